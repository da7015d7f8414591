//! Encoding, decoding and counting on the hot path, one core.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use signalbox_text::choose::{Choices, choose};
use signalbox_text::gsm7::{Alphabet, HighOctets, Length, Padding, pack, unpack};
use signalbox_text::phone::{Address, Home, Npi, Ton, look_up, region_of};
use signalbox_text::reassembly::{Key, Kind, Limits, Part, Reassembler};
use signalbox_text::segments::{Plan, count, split};
use signalbox_text::ucs2::{self, ByteOrder};
use signalbox_text::udh::peek_concat;
use signalbox_text::{E164, Encoding};

fn gsm7(criterion: &mut Criterion) {
    let ascii = "Your one-time password is 123456. ".repeat(5)[..160].to_owned();
    let accents = "Grüße, à bientôt? 5 € {ok} ".replace('ô', "ö").repeat(5);
    let mut group = criterion.benchmark_group("gsm7");
    for (name, text) in [("ascii 160", &ascii), ("mixed 135", &accents)] {
        group.throughput(Throughput::Elements(text.chars().count() as u64));
        let mut septets = Vec::new();
        Alphabet::DEFAULT.encode(text, &mut septets).expect("GSM text");
        let mut out = Vec::with_capacity(400);
        group.bench_function(format!("encode/{name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                Alphabet::DEFAULT.encode(black_box(text), &mut out)
            });
        });
        let mut string = String::with_capacity(400);
        group.bench_function(format!("decode/{name}"), |bencher| {
            bencher.iter(|| {
                string.clear();
                Alphabet::DEFAULT.decode(black_box(&septets), HighOctets::Replace, &mut string)
            });
        });
        let mut packed = Vec::new();
        group.bench_function(format!("pack/{name}"), |bencher| {
            bencher.iter(|| {
                packed.clear();
                pack(black_box(&septets), 0, Padding::Zero, &mut packed);
            });
        });
        let mut unpacked = Vec::new();
        group.bench_function(format!("unpack/{name}"), |bencher| {
            bencher.iter(|| {
                unpacked.clear();
                unpack(black_box(&packed), 0, Length::Septets(septets.len()), &mut unpacked);
            });
        });
    }
    group.finish();
}

fn utf16(criterion: &mut Criterion) {
    let text = "Добрый день! Ваш код 123456, не говорите никому 😀. ".repeat(2)[..].to_owned();
    let mut octets = Vec::new();
    ucs2::encode(&text, &mut octets);
    let mut group = criterion.benchmark_group("ucs2");
    group.throughput(Throughput::Elements(text.chars().count() as u64));
    let mut out = Vec::with_capacity(400);
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            ucs2::encode(black_box(&text), &mut out);
        });
    });
    let mut string = String::with_capacity(400);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            string.clear();
            ucs2::decode(black_box(&octets), ByteOrder::MarkOrBig, &mut string)
        });
    });
    group.finish();
}

fn segments(criterion: &mut Criterion) {
    let short = "Your one-time password is 123456.";
    let long = "All work and no play makes Jack a dull boy. ".repeat(20);
    let mut group = criterion.benchmark_group("segments");
    let plan = Plan::new(Encoding::GSM7);
    for (name, text) in [("33", short), ("880", long.as_str())] {
        group.throughput(Throughput::Elements(text.chars().count() as u64));
        group.bench_function(format!("count/{name}"), |bencher| {
            bencher.iter(|| count(black_box(text), &plan));
        });
        group.bench_function(format!("choose/{name}"), |bencher| {
            bencher.iter(|| choose(black_box(text), &Choices::default()));
        });
        group.bench_function(format!("split/{name}"), |bencher| {
            bencher.iter(|| split(black_box(text), &plan));
        });
    }
    group.finish();
}

fn parts(criterion: &mut Criterion) {
    let user_data = b"\x05\x00\x03\xCC\x02\x01Your one-time password is 123456.";
    criterion.bench_function("udh/peek", |bencher| bencher.iter(|| peek_concat(black_box(user_data))));
    let body = Bytes::from_static(&[b'x'; 153]);
    let mut buffer = Reassembler::new(Limits::default());
    let mut reference = 0u64;
    criterion.bench_function("reassembly/two parts", |bencher| {
        bencher.iter(|| {
            reference += 1;
            let source = E164::from_value(4_915_100_000_000 + reference).expect("in range");
            for sequence in [2, 1] {
                let key = Key {
                    link: 1,
                    source,
                    destination: source,
                    kind: Kind::Udh8,
                    reference: reference as u16,
                    total: 2,
                };
                let part = Part { token: 0, sequence, data_coding: 0, header: None, body: body.clone() };
                black_box(buffer.insert(key, part, 0).expect("room"));
            }
        });
    });
}

fn addresses(criterion: &mut Criterion) {
    let home = Home { region: "DE".parse().ok(), ..Home::default() };
    let mut group = criterion.benchmark_group("address");
    for (name, text, ton) in [
        ("international", "4915112345678", Ton::International),
        ("plus", "+4915112345678", Ton::Unknown),
        ("national, by the library", "015112345678", Ton::National),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| Address::read(black_box(text.as_bytes()), ton, Npi::Isdn, &home));
        });
    }
    let number = E164::from_value(4_915_112_345_678).expect("in range");
    group.bench_function("region", |bencher| bencher.iter(|| region_of(black_box(number))));
    group.bench_function("look up, by the library", |bencher| bencher.iter(|| look_up(black_box(number))));
    group.bench_function("display", |bencher| bencher.iter(|| black_box(number).to_ascii()));
    group.finish();
}

criterion_group!(benches, gsm7, utf16, segments, parts, addresses);
criterion_main!(benches);
