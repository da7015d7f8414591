use bytes::Bytes;

/// Puts the CDRs of one commit into one blob: before each its length, 32 bits, low octet first.
/// `None` when one has 4 GiB or more.
pub(super) fn pack(records: &[Bytes]) -> Option<Vec<u8>> {
    let mut packed = Vec::with_capacity(records.iter().map(|record| record.len() + 4).sum());
    for record in records {
        packed.extend_from_slice(&u32::try_from(record.len()).ok()?.to_le_bytes());
        packed.extend_from_slice(record);
    }
    Some(packed)
}

/// The CDRs of a blob; `None` when it is not what [`pack`] makes.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<Bytes>> {
    let packed = Bytes::copy_from_slice(packed);
    let mut records = Vec::new();
    let mut at = 0;
    while at < packed.len() {
        let length = packed.get(at..at + 4)?.try_into().map(u32::from_le_bytes).ok()?;
        let end = (at + 4).checked_add(usize::try_from(length).ok()?)?;
        if end > packed.len() {
            return None;
        }
        records.push(packed.slice(at + 4..end));
        at = end;
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_went_in() {
        let records = vec![Bytes::from_static(b"one"), Bytes::new(), Bytes::from(vec![7; 300])];
        let packed = pack(&records).unwrap();
        assert_eq!(unpack(&packed), Some(records));
        assert_eq!(unpack(&[]), Some(Vec::new()));
        for cut in 1..packed.len() {
            let whole = unpack(&packed[..cut]).is_some();
            assert_eq!(whole, cut == 7 || cut == 11, "cut at {cut}");
        }
    }
}
