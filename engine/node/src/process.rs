//! What the process takes of the machine, as proc(5) has it. Where there is no /proc, nothing is known.

use std::path::Path;

/// Types of the auxiliary vector (getauxval(3)).
const AT_CLKTCK: usize = 17;

/// One look at the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Seconds of the processors, user and system.
    pub cpu_seconds: f64,
    /// Octets of memory that are resident.
    pub resident_bytes: u64,
    /// File descriptors that are open, sockets among them.
    pub open_fds: u64,
    /// File descriptors that may be open.
    pub max_fds: Option<u64>,
}

impl Usage {
    /// The process now.
    #[must_use]
    pub fn read() -> Option<Self> {
        Self::of(Path::new("/proc/self"))
    }

    fn of(dir: &Path) -> Option<Self> {
        let text = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
        let ticks = ticks_per_second(&std::fs::read(dir.join("auxv")).ok()?)?;
        let open = std::fs::read_dir(dir.join("fd")).ok()?.count() as u64;
        Some(Self {
            cpu_seconds: cpu_ticks(&text("stat")?)? as f64 / ticks as f64,
            resident_bytes: resident(&text("status")?)?,
            // The one that the look itself takes.
            open_fds: open.saturating_sub(1),
            max_fds: text("limits").and_then(|limits| most_open(&limits)),
        })
    }
}

fn ticks_per_second(auxv: &[u8]) -> Option<usize> {
    const WORD: usize = size_of::<usize>();
    let word = |octets: &[u8]| octets.try_into().map(usize::from_ne_bytes).ok();
    auxv.chunks_exact(2 * WORD)
        .find(|pair| word(&pair[..WORD]) == Some(AT_CLKTCK))
        .and_then(|pair| word(&pair[WORD..]))
        .filter(|ticks| *ticks > 0)
}

/// `utime` and `stime` of the file `stat`; the name before them is in parentheses and may have some itself.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The soft limit; nothing where it is unlimited.
fn most_open(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_has_parentheses_is_read() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100 1 2 3";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("42 (a) S 1"), None);
    }

    #[test]
    fn memory_is_in_octets_and_no_limit_is_none() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t3\n"), Some(2_097_152));
        assert_eq!(resident("Name:\tx\n"), None);
        let limits =
            |soft: &str| format!("Limit  Soft  Hard  Units\nMax open files      {soft}   4096   files\n");
        assert_eq!(most_open(&limits("1024")), Some(1024));
        assert_eq!(most_open(&limits("unlimited")), None);
    }

    #[test]
    fn what_this_process_opens_and_works_shows() {
        let before = Usage::read().unwrap();
        let held: Vec<std::fs::File> =
            (0..50).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        let with = Usage::read().unwrap();
        // Other tests of the process open and close files too.
        assert!(with.open_fds >= held.len() as u64, "{with:?}");
        assert!(with.resident_bytes > 1 << 20, "{with:?}");
        assert!(with.max_fds.is_none_or(|most| most >= with.open_fds));
        assert!(with.cpu_seconds >= before.cpu_seconds && with.cpu_seconds < 1e6);
    }
}
