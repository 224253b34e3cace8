//! `Values` as compact bytes: a version byte, then postcard. Decoding refuses and never panics, whatever it is given.

use crate::Values;

/// The layout written today. Every older one stays readable.
const VERSION: u8 = 1;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("the values of a record are empty; the record is damaged")]
    Empty,
    #[error("the values of a record were written by a newer Kith (layout {0}); upgrade this one")]
    Newer(u8),
    #[error("the values of a record cannot be read; the record is damaged")]
    Damaged,
}

/// Equal values give equal bytes: fields are in order of their number.
pub fn encode(values: &Values) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + values.len() * 16);
    bytes.push(VERSION);
    // Writing to memory does not fail, and every value serialises.
    postcard::to_extend(values.as_slice(), bytes).unwrap_or_else(|_| vec![VERSION])
}

/// # Errors
/// `Newer` for a layout this build does not know, else `Empty` or `Damaged`.
pub fn decode(bytes: &[u8]) -> Result<Values, CodecError> {
    match bytes.split_first() {
        None => Err(CodecError::Empty),
        Some((&VERSION, rest)) => {
            let (pairs, left): (Vec<(u32, crate::Value)>, &[u8]) =
                postcard::take_from_bytes(rest).map_err(|_| CodecError::Damaged)?;
            let ordered = pairs.windows(2).all(|two| two[0].0 < two[1].0);
            if !left.is_empty() || !ordered || pairs.iter().any(|(_, value)| value.is_null()) {
                return Err(CodecError::Damaged);
            }
            Ok(Values::from_ordered(pairs))
        }
        Some((0, _)) => Err(CodecError::Damaged),
        Some((&newer, _)) => Err(CodecError::Newer(newer)),
    }
}

#[cfg(test)]
mod tests {
    use kith_base::{Currency, Money, RecordId};
    use proptest::prelude::*;

    use super::*;
    use crate::{Address, Labelled, PersonName, Value};

    fn all_kinds() -> Values {
        let id = RecordId([7; 16]);
        let all = [
            Value::Bool(true),
            Value::Int(-5),
            Value::Decimal(rust_decimal::Decimal::new(125, 1)),
            Value::Text("Zoë\nO'Hara".into()),
            Value::Money(Money { minor: 125_050, currency: Currency::EUR }),
            Value::Date(20_513),
            Value::DateTime(1_767_225_600_000),
            Value::Link(id),
            Value::Links(vec![id]),
            Value::Texts(vec!["a".into(), "b".into()]),
            Value::Labelled(vec![Labelled { value: "ada@example.com".into(), label: "work".into() }]),
            Value::Address(Box::new(Address { city: "Aarhus".into(), ..Address::default() })),
            Value::Name(Box::new(PersonName { last: "Lovelace".into(), ..PersonName::default() })),
            Value::Json("{\"a\":1}".into()),
            Value::Secret("s".into()),
        ];
        all.into_iter().enumerate().map(|(at, value)| (at as u32 + 1, value)).collect()
    }

    /// Written by the first layout. It must be readable for ever.
    const FIRST: &str = "010f0101010202090303fa010104040b5a6fc3ab0a4f27486172610505f4a10f4555520606c2c002070780a0d5edee6608080707070707\
        0707070707070707070707090901070707070707070707070707070707070a0a02016101620b0b010f616461406578616d706c652e636f\
        6d04776f726b0c0c00064161726875730000000d0d000000084c6f76656c616365000e0e077b2261223a317d0f0f0173";

    #[test]
    fn the_first_layout_stays_readable() {
        let hex: Vec<u8> = FIRST.bytes().filter(u8::is_ascii_hexdigit).collect();
        let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
        let bytes: Vec<u8> = hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        let written = encode(&all_kinds());
        let shown: String = written.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(decode(&bytes), Ok(all_kinds()), "written today: {shown}");
    }

    #[test]
    fn what_is_written_reads_back_and_a_newer_layout_is_refused() {
        let mut bytes = encode(&all_kinds());
        assert_eq!(decode(&bytes), Ok(all_kinds()));
        bytes[0] = 9;
        assert_eq!(decode(&bytes), Err(CodecError::Newer(9)));
        assert_eq!(decode(&[]), Err(CodecError::Empty));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let _ = decode(&[&[VERSION], bytes.as_slice()].concat());
        }
    }
}
