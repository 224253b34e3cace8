//! The accounting system's side: what is asked of it, and what it answers.
//!
//! `PUT /customers/{id}` {name, vat_number} → {id} · `POST /orders` {customer, reference, name, amount, currency} ·
//! `GET /invoices?after={mark}` → {items, next} · `GET /invoices/{id}`

use kith_plugin::{Error, Record, Result, http, json, settings};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Settings {
    pub base_url: String,
    pub which: Which,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    Won,
    All,
}

#[derive(Deserialize)]
pub struct Customer {
    pub id: String,
}

#[derive(Deserialize)]
pub struct Invoice {
    pub id: String,
    pub number: String,
    #[serde(default)]
    pub customer: String,
    pub status: String,
    pub amount: String,
    #[serde(default)]
    pub paid: Option<String>,
    pub currency: String,
    #[serde(default)]
    pub issued: Option<String>,
    #[serde(default)]
    pub due: Option<String>,
}

#[derive(Deserialize)]
pub struct Page {
    pub items: Vec<Invoice>,
    /// Mark to go on from; the same as before when nothing is new.
    pub next: String,
    #[serde(default)]
    pub more: bool,
}

fn request(method: &str, path: &str) -> Result<http::Request> {
    let settings: Settings = settings::get()?;
    let url = format!("{}{path}", settings.base_url.trim_end_matches('/'));
    Ok(http::request(method, url).secret_header("Authorization", "Bearer {{secret:token}}").timeout_ms(15_000))
}

/// The company as a customer, by the company's id: the same request twice is one customer.
pub fn put_customer(company: &Record) -> Result<Customer> {
    let name = company.text("name").unwrap_or_default();
    let body = json!({ "name": name, "vat_number": company.text("vat_number") });
    request("PUT", &format!("/customers/{}", company.id))?.json(&body).send()?.ok()?.json()
}

/// A won deal as an order; the key keeps a repeated event from making a second.
pub fn post_order(deal: &Record, customer: &str) -> Result<()> {
    let money = deal.money("amount");
    let body = json!({
        "customer": customer,
        "reference": deal.id,
        "name": deal.text("name"),
        "amount": money.as_ref().map(|money| &money.amount),
        "currency": money.as_ref().map(|money| &money.currency),
    });
    let key = format!("order:{}", deal.id);
    let answer = request("POST", "/orders")?.json(&body).header("X-Request-Key", &key).idempotency_key(&key).send()?;
    // The books know the reference already: an earlier attempt arrived, and its answer did not.
    if answer.status == 409 { Ok(()) } else { answer.ok().map(|_| ()) }
}

pub fn invoices(after: &str) -> Result<Page> {
    request("GET", &format!("/invoices?after={after}"))?.send()?.ok()?.json()
}

/// Ids come from outside, so they may only be what an id is made of.
pub fn invoice(id: &str) -> Result<Invoice> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.is_empty() || id.len() > 100 || !id.bytes().all(plain) {
        return Err(Error::Other(format!("'{id}' is no id of an invoice")));
    }
    request("GET", &format!("/invoices/{id}"))?.send()?.ok()?.json()
}
