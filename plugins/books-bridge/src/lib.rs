//! Companies and won deals out to the books; invoices and payments back in, on a schedule and when the books call.

mod books;
#[cfg(test)]
mod tests;
mod webhook;

use books::{Invoice, Settings, Which};
use kith_plugin::{
    Action, Error, Event, Field, Job, Money, Progress, Record, Result, Value, fields, kv, log, outbox, records,
    settings,
};

kith_plugin::plugin! {
    after_commit: hear,
    actions: { sync: sync_now },
    endpoint: webhook::serve,
    jobs: { sync: sync, fetch: fetch },
}

/// Where the last page of invoices ended.
const MARK: &str = "invoices:mark";

fn hear(event: &Event) -> Result<()> {
    let settings: Settings = settings::get()?;
    match event.after.as_ref() {
        Some(company) if event.object() == "companies" => {
            let told = ["name", "vat_number"].iter().any(|field| event.changed(field));
            let known = company.text("books_customer").is_some();
            if told && (known || settings.which == Which::All) { customer(company).map(|_| ()) } else { Ok(()) }
        }
        Some(deal) if event.object() == "deals" && event.became("status", "won") => order(deal),
        _ => Ok(()),
    }
}

/// The company's id in the books, told to them first.
fn customer(company: &Record) -> Result<String> {
    let customer = books::put_customer(company)?;
    if company.text("books_customer") != Some(&customer.id) {
        records::update("companies", &company.id, fields! { "books_customer" => &customer.id })?;
    }
    Ok(customer.id)
}

fn order(deal: &Record) -> Result<()> {
    let Some(company) = deal.link("company") else {
        log::warn("a won deal without a company is not in the books; give it one and win it again");
        return Ok(());
    };
    let company = records::get("companies", company, &["name", "vat_number", "books_customer"])?;
    let id = match company.text("books_customer") {
        Some(id) => id.to_string(),
        None => customer(&company)?,
    };
    books::post_order(deal, &id)
}

/// The invoices since the last time, a page a slice. The mark moves only after its page is written, so a crash repeats a page.
fn sync(_: &Job) -> Result<Progress> {
    let mark: String = kv::get(MARK)?.unwrap_or_default();
    let page = books::invoices(&mark)?;
    for invoice in &page.items {
        keep(invoice)?;
    }
    kv::put(MARK, &page.next)?;
    let note = format!("{} invoices", page.items.len());
    Ok(if page.more && page.next != mark { Progress::more(page.next, note) } else { Progress::done(note) })
}

/// One invoice, that the books called about.
fn fetch(job: &Job) -> Result<Progress> {
    let input: webhook::Called = job.input()?;
    keep(&books::invoice(&input.invoice)?)?;
    Ok(Progress::done(format!("invoice {}", input.invoice)))
}

fn sync_now(action: &Action) -> Result<&'static str> {
    outbox::run_later("sync", &action.ids, 0, &format!("sync:{}", kith_plugin::call_id()))?;
    Ok("invoices are being fetched")
}

/// Creates or updates the record of an invoice. One that is the same already is left alone.
fn keep(invoice: &Invoice) -> Result<()> {
    let wanted = values(invoice)?;
    let there = records::find("invoices").filter("books_id == $1", [&invoice.id]).first()?;
    match there {
        None => {
            records::create("invoices", wanted, Some(&format!("invoice:{}", invoice.id)))?;
        }
        Some(record) => {
            let changed: Vec<Field> =
                wanted.into_iter().filter(|field| !same(record.get(&field.name), &field.value)).collect();
            if !changed.is_empty() {
                records::update("invoices", &record.id, changed)?;
            }
        }
    }
    Ok(())
}

/// Money is compared as an amount: hosts and books may write it with other spaces.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.to_json() == other.to_json()
}

fn values(invoice: &Invoice) -> Result<Vec<Field>> {
    if !matches!(invoice.status.as_str(), "draft" | "open" | "paid" | "void") {
        return Err(Error::Other(format!(
            "invoice {} has the status '{}', which is not known",
            invoice.number, invoice.status
        )));
    }
    let company = match invoice.customer.as_str() {
        "" => None,
        id => records::find("companies").select(["name"]).filter("books_customer == $1", [id]).first()?,
    };
    let money = |amount: &str| Money::new(amount, &invoice.currency);
    let day = |day: &Option<String>| day.as_ref().map_or(Value::Null, Value::date);
    Ok(fields! {
        "number" => &invoice.number,
        "books_id" => &invoice.id,
        "status" => &invoice.status,
        "amount" => money(&invoice.amount),
        "paid" => invoice.paid.as_deref().map(money),
        "issued" => day(&invoice.issued),
        "due" => day(&invoice.due),
        "company" => company.map_or(Value::Null, |company| Value::link(company.id)),
    })
}
