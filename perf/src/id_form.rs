//! The forms in which SMSCs write message ids.

use clap::ValueEnum;
use std::io::Write as _;

/// How a message id is written in submit_sm_resp and in the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum IdForm {
    /// Decimal in both.
    #[default]
    Decimal,
    /// Lower-case hexadecimal in both.
    Hex,
    /// Upper-case hexadecimal in both.
    UpperHex,
    /// Decimal, in the receipt padded with zeros to 20 digits.
    PaddedDecimal,
    /// Hexadecimal, in the receipt padded with zeros to 16 digits.
    PaddedHex,
    /// Hexadecimal in the response, decimal in the receipt.
    HexThenDecimal,
    /// Decimal in the response, hexadecimal in the receipt.
    DecimalThenHex,
    /// Lower-case hexadecimal in the response, upper-case in the receipt.
    LowerThenUpper,
    /// Letters and digits that are no number in either base.
    Text,
}

impl IdForm {
    /// Writes the id as submit_sm_resp has it.
    #[inline]
    pub fn put_response(self, out: &mut Vec<u8>, id: u64) {
        match self {
            IdForm::Decimal | IdForm::PaddedDecimal | IdForm::DecimalThenHex => put_decimal(out, id),
            IdForm::Hex | IdForm::PaddedHex | IdForm::HexThenDecimal | IdForm::LowerThenUpper => {
                put(out, format_args!("{id:x}"));
            }
            IdForm::UpperHex => put(out, format_args!("{id:X}")),
            IdForm::Text => put(out, format_args!("sim-{id:x}-x")),
        }
    }

    /// Writes the id as the receipt has it.
    pub fn put_receipt(self, out: &mut Vec<u8>, id: u64) {
        match self {
            IdForm::Decimal | IdForm::HexThenDecimal => put_decimal(out, id),
            IdForm::Hex | IdForm::DecimalThenHex => put(out, format_args!("{id:x}")),
            IdForm::UpperHex | IdForm::LowerThenUpper => put(out, format_args!("{id:X}")),
            IdForm::PaddedDecimal => put(out, format_args!("{id:020}")),
            IdForm::PaddedHex => put(out, format_args!("{id:016x}")),
            IdForm::Text => put(out, format_args!("sim-{id:x}-x")),
        }
    }
}

/// Writes a number; a vector takes whatever is written.
pub(crate) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[inline]
pub(crate) fn put_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form() {
        let table = [
            (IdForm::Decimal, "48879", "48879"),
            (IdForm::Hex, "beef", "beef"),
            (IdForm::UpperHex, "BEEF", "BEEF"),
            (IdForm::PaddedDecimal, "48879", "00000000000000048879"),
            (IdForm::PaddedHex, "beef", "000000000000beef"),
            (IdForm::HexThenDecimal, "beef", "48879"),
            (IdForm::DecimalThenHex, "48879", "beef"),
            (IdForm::LowerThenUpper, "beef", "BEEF"),
            (IdForm::Text, "sim-beef-x", "sim-beef-x"),
        ];
        for (form, response, receipt) in table {
            let (mut first, mut second) = (Vec::new(), Vec::new());
            form.put_response(&mut first, 0xbeef);
            form.put_receipt(&mut second, 0xbeef);
            assert_eq!((&first[..], &second[..]), (response.as_bytes(), receipt.as_bytes()), "{form:?}");
        }
    }
}
