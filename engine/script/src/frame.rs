//! Frames between pool and worker: four octets of length, little endian, and that many of postcard.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// Longest frame in octets.
pub(crate) const MAX_FRAME: usize = 16 << 20;

/// A frame that cannot be sent or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The other side is gone, or late.
    #[error("the frame cannot be moved: {0}")]
    Io(#[from] io::Error),
    /// It is longer than any may be.
    #[error("a frame of {octets} octets, the limit is {MAX_FRAME}")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// It is no frame.
    #[error("the frame cannot be understood: {0}")]
    Malformed(#[from] postcard::Error),
}

/// Appends a frame.
pub(crate) fn append<T: Serialize>(out: &mut Vec<u8>, message: &T) -> Result<(), FrameError> {
    let start = out.len();
    let mut grown = std::mem::take(out);
    grown.extend_from_slice(&[0; 4]);
    let mut grown = postcard::to_extend(message, grown)?;
    let octets = grown.len() - start - 4;
    if octets > MAX_FRAME {
        grown.truncate(start);
        *out = grown;
        return Err(FrameError::TooLong { octets });
    }
    let length = u32::try_from(octets).map_err(|_| FrameError::TooLong { octets })?;
    grown[start..start + 4].copy_from_slice(&length.to_le_bytes());
    *out = grown;
    Ok(())
}

/// Writes what was appended.
pub(crate) fn flush(to: &mut impl Write, out: &mut Vec<u8>) -> io::Result<()> {
    if !out.is_empty() {
        to.write_all(out)?;
        out.clear();
    }
    Ok(())
}

/// Reads a frame, which borrows from `body`; `None` when the other side has closed between two.
pub(crate) fn read<'b, T: Deserialize<'b>>(
    from: &mut impl Read,
    body: &'b mut Vec<u8>,
) -> Result<Option<T>, FrameError> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let octets = u32::from_le_bytes(length) as usize;
    if octets > MAX_FRAME {
        return Err(FrameError::TooLong { octets });
    }
    body.clear();
    body.resize(octets, 0);
    from.read_exact(body)?;
    Ok(Some(postcard::from_bytes(body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_one_by_one_and_rubbish_is_told() {
        let mut out = Vec::new();
        append(&mut out, &"first".to_owned()).unwrap();
        append(&mut out, &"second".to_owned()).unwrap();
        let mut from = out.as_slice();
        let mut body = Vec::new();
        assert_eq!(read::<String>(&mut from, &mut body).unwrap().as_deref(), Some("first"));
        assert_eq!(read::<String>(&mut from, &mut body).unwrap().as_deref(), Some("second"));
        assert!(read::<String>(&mut from, &mut body).unwrap().is_none());

        let cut = &out[..out.len() - 1];
        let mut from = cut;
        read::<String>(&mut from, &mut body).unwrap();
        assert!(matches!(read::<String>(&mut from, &mut body), Err(FrameError::Io(_))));
        let mut long: &[u8] = &u32::MAX.to_le_bytes();
        assert!(matches!(read::<String>(&mut long, &mut body), Err(FrameError::TooLong { .. })));
        let mut wrong: &[u8] = &[2, 0, 0, 0, 9, 9];
        assert!(matches!(read::<String>(&mut wrong, &mut body), Err(FrameError::Malformed(_))));
    }
}
