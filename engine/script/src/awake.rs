//! A socket that is waited for awake for a moment before its reader goes to sleep.
//!
//! What comes back from a worker comes within some tens of microseconds, and so does the next run of a conversation
//! under way. To be put to sleep and woken takes as long, and longer on a machine whose idle cores are halted. So a
//! reader looks again for a moment first, and lets others go before it each time: where the machine is busy it costs
//! them nothing.

use std::borrow::Borrow;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// How long one who waits stays awake.
const MOMENT: Duration = Duration::from_micros(60);

/// The time for which one who waits looks again; it begins with the first look in vain.
#[derive(Default)]
pub(crate) struct Moment {
    until: Option<Instant>,
}

impl Moment {
    /// Whether it is time to sleep.
    pub(crate) fn is_over(&mut self) -> bool {
        let now = Instant::now();
        now >= *self.until.get_or_insert(now + MOMENT)
    }
}

/// See the [module](self).
pub(crate) struct Awake<S>(pub(crate) S);

impl<S: Borrow<UnixStream>> Read for Awake<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut socket: &UnixStream = self.0.borrow();
        let mut moment = Moment::default();
        loop {
            match recv(socket, &mut *into, RecvFlags::DONTWAIT) {
                Ok((octets, _)) => return Ok(octets),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if moment.is_over() => return socket.read(into),
                Err(Errno::AGAIN) => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_there_is_read_at_once_what_comes_later_too_and_the_end_is_one() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut awake = Awake(&ours);
        let mut into = [0; 8];
        theirs.write_all(b"one").unwrap();
        assert_eq!(awake.read(&mut into).unwrap(), 3);
        let writer = std::thread::spawn(move || theirs.write_all(b"later"));
        assert_eq!(awake.read(&mut into).unwrap(), 5);
        writer.join().unwrap().unwrap();
        assert_eq!(awake.read(&mut into).unwrap(), 0);
    }

    #[test]
    fn a_time_out_of_the_socket_holds() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let error = Awake(&ours).read(&mut [0; 8]).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error}");
    }
}
