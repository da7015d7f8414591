use super::*;

fn smpp(octet: u8) -> DataCoding {
    DataCoding::from_octet(octet, Scheme::Smpp)
}

#[test]
fn smpp_values() {
    let sets = [
        Charset::SmscDefault,
        Charset::Octets(OctetSet::Ascii),
        Charset::Binary,
        Charset::Octets(OctetSet::Latin1),
        Charset::Binary,
        Charset::Jis,
        Charset::Octets(OctetSet::Cyrillic),
        Charset::Octets(OctetSet::Hebrew),
        Charset::Ucs2,
        Charset::Pictogram,
        Charset::Iso2022Jp,
        Charset::Reserved,
        Charset::Reserved,
        Charset::ExtendedKanji,
        Charset::KsC5601,
        Charset::Reserved,
    ];
    for (octet, charset) in (0u8..).zip(sets) {
        assert_eq!(smpp(octet), DataCoding::plain(charset), "{octet:#x}");
    }
}

#[test]
fn gsm_groups() {
    let gsm = |octet| DataCoding::from_octet(octet, Scheme::Gsm);
    assert_eq!(gsm(0x01), DataCoding::plain(Charset::Gsm7));
    assert_eq!(gsm(0x04), DataCoding::plain(Charset::Binary));
    assert_eq!(gsm(0x08), DataCoding::plain(Charset::Ucs2));
    assert_eq!(gsm(0x0C), DataCoding::plain(Charset::Reserved));
    for scheme in [Scheme::Smpp, Scheme::Gsm] {
        let read = |octet| DataCoding::from_octet(octet, scheme);
        assert!(read(0x10).is_flash() && read(0x10).charset == Charset::Gsm7);
        assert!(read(0x18).is_flash() && read(0x18).charset == Charset::Ucs2);
        assert_eq!(read(0x13).class, Some(MessageClass::Terminal));
        assert_eq!(read(0x23).class, None);
        assert!(read(0x20).compressed && !read(0x20).delete_after_reading);
        assert!(read(0x48).delete_after_reading && read(0x48).charset == Charset::Ucs2);
        assert_eq!(read(0x80), DataCoding::plain(Charset::Reserved));
        assert_eq!(read(0xB5), DataCoding::plain(Charset::Reserved));
        assert!(read(0xF0).is_flash() && read(0xF0).charset == Charset::Gsm7);
        assert_eq!(read(0xF5), DataCoding::plain(Charset::Binary).with_class(MessageClass::Handset));
        let voicemail = Indication { active: true, waiting: Waiting::Voicemail, store: false };
        assert_eq!(read(0xC8).indication, Some(voicemail));
        let fax = Indication { active: false, waiting: Waiting::Fax, store: true };
        assert_eq!((read(0xD1).indication, read(0xD1).charset), (Some(fax), Charset::Gsm7));
        assert_eq!((read(0xE1).indication, read(0xE1).charset), (Some(fax), Charset::Ucs2));
    }
}

#[test]
fn every_octet_means_the_same_when_written_again() {
    for scheme in [Scheme::Smpp, Scheme::Gsm] {
        for octet in 0..=u8::MAX {
            let meaning = DataCoding::from_octet(octet, scheme);
            match meaning.to_octet(scheme) {
                Some(written) => {
                    assert_eq!(
                        DataCoding::from_octet(written, scheme),
                        meaning,
                        "{octet:#x} as {written:#x}"
                    );
                }
                None => assert_eq!(meaning.charset, Charset::Reserved, "{scheme:?} {octet:#x}"),
            }
        }
    }
}

#[test]
fn plainest_values() {
    let class = |charset, class| DataCoding::plain(charset).with_class(class).to_octet(Scheme::Smpp);
    assert_eq!(class(Charset::Gsm7, MessageClass::Flash), Some(0xF0));
    assert_eq!(class(Charset::Binary, MessageClass::Sim), Some(0xF6));
    assert_eq!(class(Charset::Ucs2, MessageClass::Flash), Some(0x18));
    assert_eq!(class(Charset::Octets(OctetSet::Latin1), MessageClass::Flash), None);
    assert_eq!(class(Charset::SmscDefault, MessageClass::Flash), None);
    assert_eq!(DataCoding::plain(Charset::Gsm7).to_octet(Scheme::Smpp), None);
    assert_eq!(DataCoding::plain(Charset::Gsm7).to_octet(Scheme::Gsm), Some(0));
    assert_eq!(DataCoding::plain(Charset::Octets(OctetSet::Latin1)).to_octet(Scheme::Gsm), None);
}

#[test]
fn the_default_alphabet_is_the_peers() {
    let latin = Encoding::Octets(OctetSet::Latin1);
    assert_eq!(Charset::SmscDefault.encoding(latin, Alphabet::DEFAULT), Some(latin));
    assert_eq!(Charset::SmscDefault.encoding(Encoding::GSM7, Alphabet::DEFAULT), Some(Encoding::GSM7));
    assert_eq!(Charset::Gsm7.encoding(latin, Alphabet::DEFAULT), Some(Encoding::GSM7));
    assert_eq!(Charset::Binary.encoding(latin, Alphabet::DEFAULT), None);
    for default in [Encoding::GSM7, latin, Encoding::Ucs2] {
        for encoding in [Encoding::GSM7, latin, Encoding::Ucs2] {
            let charset = Charset::of(encoding, default);
            assert_eq!(charset.encoding(default, Alphabet::DEFAULT), Some(encoding), "{charset:?}");
        }
    }
}
