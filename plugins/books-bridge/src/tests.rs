//! The bridge between a Kith in memory and small books that fail, delay and repeat on purpose.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use hmac::{Hmac, KeyInit, Mac};
use kith_plugin::{
    Money, Outcome, Request, Response, Value, fields, json,
    serde_json::{self, Value as Json},
    testing::{HttpError, Kith},
};

/// What the books hold.
#[derive(Default)]
struct Books {
    customers: BTreeMap<String, Json>,
    orders: Vec<Json>,
    /// In the order in which they changed.
    invoices: Vec<Json>,
    /// An order is taken, and its answer is lost.
    lose_next_answer: bool,
}

impl Books {
    fn answer(&mut self, request: &Request) -> Result<Response, HttpError> {
        if request.header_value("Authorization") != Some("Bearer t0ken") {
            return Ok(Response::empty(401));
        }
        let path = request.url.strip_prefix("https://books.example.com/api").unwrap();
        let body = || serde_json::from_slice::<Json>(&request.body).unwrap();
        let json = |body: Json| Ok(Response::of_json(200, &body).unwrap());
        if let Some(id) = path.strip_prefix("/customers/") {
            self.customers.insert(id.into(), body());
            return json(json!({ "id": format!("C-{id}") }));
        }
        if path == "/orders" {
            let order = body();
            if self.orders.iter().any(|other| other["reference"] == order["reference"]) {
                return Ok(Response::plain(409, "there is one with this reference"));
            }
            self.orders.push(order);
            if std::mem::take(&mut self.lose_next_answer) {
                return Err(HttpError::Timeout);
            }
            return Ok(Response::empty(201));
        }
        if let Some(mark) = path.strip_prefix("/invoices?after=") {
            const PAGE: usize = 2;
            let from: usize = mark.parse().unwrap_or(0);
            let items: Vec<Json> = self.invoices.iter().skip(from).take(PAGE).cloned().collect();
            let next = from + items.len();
            return json(json!({ "items": items, "next": next.to_string(), "more": next < self.invoices.len() }));
        }
        let id = path.strip_prefix("/invoices/").unwrap();
        match self.invoices.iter().rev().find(|invoice| invoice["id"] == id) {
            Some(invoice) => json(invoice.clone()),
            None => Ok(Response::empty(404)),
        }
    }
}

fn bridge() -> (Kith, Rc<RefCell<Books>>) {
    let kith = Kith::new(crate::plugin());
    kith.secret("token", "t0ken");
    kith.secret("webhook", "k3y");
    let books = Rc::new(RefCell::new(Books::default()));
    let other_side = books.clone();
    kith.serve(move |request| other_side.borrow_mut().answer(request));
    (kith, books)
}

fn invoice(id: &str, customer: &str, status: &str, paid: &str) -> Json {
    json!({ "id": id, "number": format!("2026/{id}"), "customer": customer, "status": status, "amount": "100.00", "paid": paid,
        "currency": "EUR", "issued": "2026-02-01", "due": "2026-03-03" })
}

/// A company, and a deal with it that is won.
fn win(kith: &Kith) -> String {
    let company = kith.create("companies", fields! { "name" => "ACME", "vat_number" => "IT00743110157" }).unwrap();
    let deal = fields! { "name" => "Roof", "status" => "open", "amount" => Money::new("900.00", "EUR"), "company" => Value::link(&company.id) };
    let deal = kith.create("deals", deal).unwrap();
    kith.update("deals", &deal.id, fields! { "status" => "won" }).unwrap();
    company.id
}

fn signed(kith: &Kith, key: &str, body: &str) -> Response {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    kith.request("POST", "/webhook", &[("X-Books-Signature", &signature)], body.as_bytes()).unwrap()
}

#[test]
fn a_won_deal_makes_a_customer_and_an_order_once() {
    let (kith, books) = bridge();
    let company = win(&kith);
    assert!(kith.deliver_twice().iter().all(|outcome| *outcome == Outcome::Done));
    let books = books.borrow();
    assert_eq!(books.customers[&company]["vat_number"], "IT00743110157");
    assert_eq!(books.orders.len(), 1);
    assert_eq!(
        (&books.orders[0]["customer"], &books.orders[0]["amount"]),
        (&json!(format!("C-{company}")), &json!("900.00"))
    );
    assert_eq!(
        kith.record("companies", &company).unwrap().text("books_customer"),
        Some(format!("C-{company}").as_str())
    );
}

#[test]
fn an_order_whose_answer_is_lost_is_not_made_twice() {
    let (kith, books) = bridge();
    win(&kith);
    books.borrow_mut().lose_next_answer = true;
    assert!(matches!(kith.deliver().last(), Some(Outcome::Retry(_))));
    kith.advance_s(3_600);
    assert_eq!(kith.deliver(), [Outcome::Done]);
    assert_eq!(books.borrow().orders.len(), 1);
}

#[test]
fn a_call_cut_off_after_any_of_its_host_calls_ends_the_same_when_repeated() {
    for cut in 1..=8 {
        let (kith, books) = bridge();
        let company = win(&kith);
        kith.crash_after(cut);
        for _ in 0..4 {
            kith.deliver();
            kith.advance_s(3_600);
        }
        assert_eq!((books.borrow().customers.len(), books.borrow().orders.len()), (1, 1), "cut off after {cut}");
        assert!(kith.record("companies", &company).unwrap().text("books_customer").is_some());
        assert!(kith.dropped().is_empty());
    }
}

#[test]
fn books_that_are_away_or_busy_are_tried_again() {
    let (kith, books) = bridge();
    win(&kith);
    for answer in [Ok(Response::empty(503)), Ok(Response::empty(429)), Err(HttpError::Timeout), Err(HttpError::Connect)]
    {
        kith.next_answer(answer);
        assert!(matches!(kith.deliver().last(), Some(Outcome::Retry(_))));
        kith.advance_s(3_600);
    }
    assert_eq!(kith.deliver(), [Outcome::Done]);
    assert_eq!(books.borrow().orders.len(), 1);
    kith.next_answer(Ok(Response::plain(400, "no such currency")));
    win(&kith);
    kith.deliver();
    assert!(kith.dropped()[0].contains("400: no such currency"), "{:?}", kith.dropped());
}

#[test]
fn companies_without_a_won_deal_stay_out_unless_all_are_wanted() {
    let (kith, books) = bridge();
    kith.create("companies", fields! { "name" => "Quiet" }).unwrap();
    kith.deliver();
    assert!(books.borrow().customers.is_empty());
    kith.settings(json!({ "which": "all" }));
    let loud = kith.create("companies", fields! { "name" => "Loud" }).unwrap();
    kith.deliver();
    kith.update("companies", &loud.id, fields! { "name" => "Louder" }).unwrap();
    kith.update("companies", &loud.id, fields! { "industry" => "energy" }).unwrap();
    kith.deliver();
    assert_eq!(books.borrow().customers[&loud.id]["name"], "Louder");
    assert_eq!(kith.requests().len(), 2, "what the books do not keep is not sent");
}

#[test]
fn invoices_and_payments_come_in_on_schedule_page_by_page() {
    let (kith, books) = bridge();
    let company = win(&kith);
    kith.deliver();
    let customer = format!("C-{company}");
    books.borrow_mut().invoices = vec![
        invoice("1", &customer, "open", "0.00"),
        invoice("2", "somebody", "draft", "0.00"),
        invoice("1", &customer, "paid", "100.00"),
    ];
    kith.job("sync", Json::Null).unwrap();
    let invoices = kith.records("invoices");
    assert_eq!(invoices.len(), 2);
    assert_eq!((invoices[0].text("number"), invoices[0].text("status")), (Some("2026/1"), Some("paid")));
    assert_eq!(invoices[0].money("paid"), Some(Money::new("100.00", "EUR")));
    assert_eq!(invoices[0].link("company"), Some(company.as_str()));
    assert_eq!((invoices[1].link("company"), invoices[1].date("due")), (None, Some("2026-03-03")));
    let version = invoices[0].version;
    kith.job("sync", Json::Null).unwrap();
    assert_eq!(kith.records("invoices")[0].version, version, "nothing new, nothing written");
}

#[test]
fn a_page_that_was_cut_off_is_read_again_without_doubles() {
    for cut in 1..=10 {
        let (kith, books) = bridge();
        books.borrow_mut().invoices = (0..3).map(|number| invoice(&number.to_string(), "", "open", "0.00")).collect();
        kith.crash_after(cut);
        let _ = kith.job("sync", Json::Null);
        kith.job("sync", Json::Null).unwrap();
        assert_eq!(kith.records("invoices").len(), 3, "cut off after {cut}");
    }
}

#[test]
fn a_webhook_fetches_its_invoice_once_however_often_it_calls() {
    let (kith, books) = bridge();
    books.borrow_mut().invoices.push(invoice("7", "", "open", "0.00"));
    for _ in 0..3 {
        assert_eq!(signed(&kith, "k3y", r#"{"id":"evt_1","invoice":"7"}"#).status, 202);
    }
    assert_eq!(kith.run_due().unwrap(), 1);
    assert_eq!(kith.records("invoices").len(), 1);
}

#[test]
fn a_webhook_with_a_wrong_signature_does_nothing() {
    let (kith, _) = bridge();
    let body = r#"{"id":"evt_1","invoice":"7"}"#;
    assert_eq!(signed(&kith, "guess", body).status, 403);
    assert_eq!(kith.request("POST", "/webhook", &[], body.as_bytes()).unwrap().status, 403);
    for odd in ["", "zz", "é", "0"] {
        assert_eq!(kith.request("POST", "/webhook", &[("X-Books-Signature", odd)], b"{}").unwrap().status, 403);
    }
    assert_eq!(signed(&kith, "k3y", "not json").status, 400);
    assert_eq!(kith.get("/webhook").unwrap().status, 405);
    kith.secret("webhook", "");
    assert_eq!(signed(&kith, "", body).status, 403, "without a key nothing is signed");
    assert!(kith.later().is_empty());
}

#[test]
fn an_id_from_outside_cannot_lead_elsewhere() {
    let (kith, _) = bridge();
    for id in ["../customers/1", "a/b", "", "x?y"] {
        signed(&kith, "k3y", &json!({ "id": id, "invoice": id }).to_string());
        assert!(kith.run_due().is_err(), "{id}");
    }
    assert!(kith.requests().is_empty());
}

#[test]
fn the_action_fetches_at_once() {
    let (kith, books) = bridge();
    books.borrow_mut().invoices.push(invoice("7", "", "open", "0.00"));
    let company = kith.add("companies", fields! { "name" => "ACME" });
    kith.action("sync", "companies", &[company], json!({})).unwrap();
    assert_eq!(kith.run_due().unwrap(), 1);
    assert_eq!(kith.records("invoices").len(), 1);
}
