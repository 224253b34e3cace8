//! Values come back as they went in, whatever column they meet.

use std::str::FromStr;

use kith_model::Labelled;

use super::*;

fn held(mut column: Column, values: &[Value]) {
    let mut scratch = Vec::new();
    for (row, value) in values.iter().enumerate() {
        column.set(row as u32, value, &mut scratch);
    }
    column.grow(values.len() + 3);
    for (row, value) in values.iter().enumerate() {
        assert_eq!(column.get(row as u32), *value);
        assert_eq!(column.is_null(row as u32), value.is_null());
    }
    assert_eq!(column.present(values.len() + 3).count(), values.iter().filter(|v| !v.is_null()).count());
    assert!(column.get(1_000_000).is_null());
}

#[test]
fn decimals_come_back_digit_for_digit() {
    let texts = ["12.50", "12.5", "-0.000001", "0", "79228162514264337593543950335", "123456789012345.6789", "1e3"];
    let values: Vec<Value> = texts
        .iter()
        .map(|t| Value::Decimal(Decimal::from_str(t).or_else(|_| Decimal::from_scientific(t)).unwrap()))
        .collect();
    let empty = Column::Double { set: Bits::default(), values: Vec::new(), scale: Vec::new(), exact: HashMap::new() };
    held(empty, &values);
}

#[test]
fn a_value_of_another_shape_turns_the_column_general_and_loses_nothing() {
    let ints = Column::Int { shape: Shape::Unknown, set: Bits::default(), values: Vec::new() };
    let odd = [
        Value::Int(4),
        Value::Null,
        Value::Date(9),
        Value::Text("Zoë\nO'Hara".into()),
        Value::Labelled(vec![Labelled { value: "a@b.example".into(), label: "work".into() }]),
        Value::Text(String::new()),
        Value::Bool(false),
    ];
    held(ints, &odd);
}

#[test]
fn compaction_keeps_every_value_and_drops_dead_ones() {
    let mut column = Column::coded(Coding::Text);
    let mut scratch = Vec::new();
    for round in 0..20 {
        for row in 0..1_000 {
            column.set(row, &Value::Text(format!("{round}-{row}")), &mut scratch);
        }
        column.compact();
    }
    assert!((0..1_000).all(|row| column.get(row) == Value::Text(format!("19-{row}"))));
    let Column::Coded { words, .. } = &column else { panic!() };
    assert!(words.len() < 10_000, "{}", words.len());
}
