//! A node under load that dies again and again, and the books at the end.

use rustix::process::Signal;
use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use signalbox_backends::failpoint;

use super::esme::Esme;
use super::kill::judge;
use super::site::{Node, PATIENCE, Site, rows, wait_for};
use super::smsc::{Mood, Smsc};

/// Messages that a session of the link may have on their way to the SMSC, and its sessions.
const WINDOW: usize = 10;
pub const SESSIONS: usize = 2;
/// Submissions that the ESME has without an answer.
const OPEN: usize = 20;

/// An SMSC that takes its time, and the place of a node before it with these settings beside the usual ones.
pub fn scene(settings: &str) -> (Smsc, Site) {
    let smsc = Smsc::start(Some(Duration::from_millis(30)));
    smsc.set(Mood::Takes(Duration::from_millis(15)));
    // Some doubts are ended by the receipt, the others by another send.
    smsc.delay_odd_receipts(Duration::from_secs(6));
    let link = format!(
        "sessions = {SESSIONS}\nwindow = {WINDOW}\nburst = 100\nadaptive = false\n\
         response_timeout = \"2s\"\ndoubt = {{ hold = \"1s\", then = \"retry\" }}"
    );
    let mut site = Site::new(&rows(smsc.address, "max_binds = 100", &link));
    site.extra = settings.to_owned();
    (smsc, site)
}

/// See the module. One ESME goes on with its book from node to node.
pub struct Ordeal<'a> {
    site: &'a Site,
    smsc: &'a Smsc,
    esme: Option<Esme>,
    /// Number of the next submission.
    next: u64,
    /// Submissions without an answer that have been repeated.
    repeated: u64,
    /// Windows of answers that never came although the session stayed: each message in them may come twice.
    pub silent_windows: usize,
}

impl<'a> Ordeal<'a> {
    pub fn new(site: &'a Site, smsc: &'a Smsc) -> Self {
        Self { site, smsc, esme: None, next: 0, repeated: 0, silent_windows: 0 }
    }

    /// Binds, and says how many submissions were never answered: they are sent again, under new numbers, so that the
    /// books see each.
    pub fn bind(&mut self) -> (Esme, u64) {
        let bound = self.try_bind();
        bound.unwrap_or_else(|| panic!("the ESME cannot bind after {} messages", self.next))
    }

    fn try_bind(&mut self) -> Option<(Esme, u64)> {
        let session = match self.esme.take() {
            None => Esme::bind(self.site.smpp).ok()?,
            Some(before) => match Esme::bind_again(self.site.smpp, before) {
                Ok(session) => session,
                Err(before) => {
                    self.esme = Some(*before);
                    return None;
                }
            },
        };
        let again = session.book.unanswered.len() as u64 - self.repeated;
        self.repeated += again;
        Some((session, again))
    }

    /// Loads a node with so many messages, goes on until the SMSC has one unanswered, and kills it. Returns how many
    /// were unanswered then.
    pub fn kill_after(&mut self, messages: u64) -> u64 {
        let node = self.site.start();
        let (mut session, again) = self.bind();
        let goal = self.next + again + messages;
        while self.next < goal || self.smsc.unanswered() == 0 {
            session.until("a place in the window", PATIENCE, |esme| esme.open() < OPEN);
            session.submit(self.next).expect("a submit");
            self.next += 1;
            if self.next > goal + 2_000 {
                break;
            }
        }
        let unanswered = self.smsc.unanswered();
        node.kill();
        self.bury(session);
        unanswered
    }

    /// Loads a node until it dies at a fail point, which may be before it is ready. Returns how it ended.
    pub fn die_at(&mut self, place: &str) -> ExitStatus {
        let mut node = self.site.launch(&[], &[(failpoint::VARIABLE, place)]);
        if let Err(status) = node.ready() {
            return status;
        }
        // It may come to the place by itself.
        let Some((mut session, _)) = self.try_bind() else { return node.ended(PATIENCE) };
        // Some dozens of commits, each of which may take a second where other tests have the disk.
        let deadline = Instant::now() + 3 * PATIENCE;
        while session.turn(Duration::from_millis(2)).is_ok() {
            assert!(Instant::now() < deadline, "the node does not come to {place}");
            if session.open() < OPEN {
                self.next += 1;
                // That the node is gone shows at the next turn.
                let _ = session.submit(self.next - 1);
            }
        }
        let status = node.ended(PATIENCE);
        self.bury(session);
        status
    }

    /// Goes on for a while, at about this rate.
    ///
    /// # Errors
    /// When the session is lost.
    pub fn load(&mut self, session: &mut Esme, span: Duration, per_second: f64) -> io::Result<()> {
        let begun = Instant::now();
        let first = self.next;
        while begun.elapsed() < span {
            let due = first + (begun.elapsed().as_secs_f64() * per_second) as u64;
            while self.next < due && session.open() < OPEN {
                self.next += 1;
                session.submit(self.next - 1)?;
            }
            session.turn(Duration::from_millis(2))?;
        }
        Ok(())
    }

    /// After the end of a node.
    pub fn bury(&mut self, mut session: Esme) {
        // The answers that were on their way still count.
        while session.turn(Duration::from_millis(20)).is_ok() {}
        self.esme = Some(session);
        wait_for("the sessions of the dead node are gone", PATIENCE, || {
            (self.smsc.bound() == 0).then_some(())
        });
    }

    /// A last node ends everything that is open; the judge says whether the books close.
    pub fn close(mut self) -> String {
        let node = self.site.start();
        let (session, _) = self.bind();
        self.close_on(node, session)
    }

    /// The same on a node that runs, through a session that is bound.
    pub fn close_on(self, node: Node<'_>, mut session: Esme) -> String {
        session.submit_all(self.next..self.next + 20, 10);
        session.until("an outcome for each accepted message", PATIENCE, |esme| {
            esme.book.accepted.values().all(|id| esme.book.receipts.contains_key(id))
        });
        wait_for("nothing is open", PATIENCE, || {
            (self.site.metric("queue_messages", "") == 0.0).then_some(())
        });
        node.signal(Signal::TERM);
        session.until_closed();
        assert!(node.ended(PATIENCE).success());
        assert!(
            session.book.accepted.len() as u64 > self.next / 2,
            "{} accepted",
            session.book.accepted.len()
        );
        // Each session lost its window at most, but for those of the last node.
        let windows = self.smsc.sessions() as usize - SESSIONS + self.silent_windows;
        judge(self.site, &session.book, self.smsc, windows * WINDOW)
    }
}
