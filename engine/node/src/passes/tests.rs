use signalbox_people::{ListId, PassOrder, PassRate};

use super::*;

const NOW: Micros = Micros(1_790_000_000_000_000);

fn pass(id: i64, account: u32, state: PassState, starts: Option<Micros>) -> Pass {
    let order = PassOrder {
        sub_campaign: "alert".to_owned(),
        list: ListId(1),
        rate: PassRate::Auto,
        kinds: Vec::new(),
        starts,
        ends: None,
    };
    let account = AccountId(account);
    Pass {
        id: PassId(id),
        account,
        order,
        state,
        begun: 0,
        replied: 0,
        version: 1,
        created: NOW,
        ended: None,
    }
}

fn ids(passes: &[Pass], running: &[i64]) -> Vec<i64> {
    admitted(passes, |id| running.contains(&id.0), NOW).into_iter().map(|id| id.0).collect()
}

#[test]
fn an_account_with_many_passes_makes_no_other_wait() {
    let mut open: Vec<Pass> = (0..300).map(|id| pass(id, 1, PassState::Running, None)).collect();
    open.push(pass(300, 2, PassState::Running, None));
    let begun = ids(&open, &[]);
    assert_eq!(begun, (0..16).chain([300]).collect::<Vec<_>>());
    assert_eq!(ids(&open, &begun), [0; 0]);
    assert_eq!(ids(&open, &begun[1..]), [0], "one that is over makes room");
    let of_all: Vec<Pass> = (0..600).map(|id| pass(id, id as u32 / 10, PassState::Running, None)).collect();
    assert_eq!(ids(&of_all, &[]).len(), 256);
}

#[test]
fn what_is_not_due_takes_no_place_and_what_is_paused_the_last() {
    let later = Some(NOW.after(Duration::from_secs(3_600)));
    let mut open: Vec<Pass> = (0..20).map(|id| pass(id, 1, PassState::Running, later)).collect();
    open.extend((20..40).map(|id| pass(id, 1, PassState::Paused, None)));
    open.push(pass(40, 1, PassState::Running, Some(NOW.after(Duration::from_secs(5)))));
    // Whoever cancels one that is not due yet has not to wait for its time.
    open.push(pass(41, 1, PassState::Cancelling, later));
    assert_eq!(ids(&open, &[]), [40, 41].into_iter().chain(20..34).collect::<Vec<_>>());
}
