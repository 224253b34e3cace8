//! Sample data: a believable trading company's year, the same for the same seed. Writes through the engine like anyone.

mod chance;
mod words;

use jiff::{Timestamp, ToSpan, civil::Date};
use kith_base::RecordId;
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query};
use serde_json::{Map, Value as Json, json};

use chance::Chance;

/// Records per transaction: one journal entry each, large enough to be quick.
const BATCH: usize = 250;

/// What to make.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Number of people; companies, deals, tasks and notes follow in proportion.
    pub people: usize,
    pub now_ms: i64,
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Debug, Default)]
pub struct DemoReport {
    pub people: usize,
    pub companies: usize,
    pub leads: usize,
    pub deals: usize,
    pub tasks: usize,
    pub notes: usize,
}

impl DemoOptions {
    fn companies(&self) -> usize {
        (self.people * 3 / 10).max(1)
    }

    fn deals(&self) -> usize {
        (self.people / 5).max(1)
    }
}

/// Fills an engine with sample data. `progress` gets (done, all) records.
///
/// # Errors
/// What the engine refuses.
pub fn fill(
    engine: &Engine,
    actor: &Actor,
    options: &DemoOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<DemoReport, EngineError> {
    let (companies, deals) = (options.companies(), options.deals());
    let (leads, tasks, notes) = (options.people / 10, deals, deals / 2);
    let all = options.people + companies + deals + leads + tasks + notes;
    let mut maker = Maker::new(engine, actor, options, progress, all)?;
    let companies: Vec<(RecordId, Company)> = maker.companies(companies)?;
    let people = maker.people(options.people, &companies)?;
    maker.leads(leads)?;
    let deals = maker.deals(deals, &companies, &people)?;
    maker.tasks(tasks, &deals, &people)?;
    maker.notes(notes, &deals, &people)?;
    Ok(maker.report)
}

struct Company {
    domain: String,
    country: usize,
}

struct Maker<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    progress: &'a mut dyn FnMut(usize, usize),
    chance: Chance,
    now_ms: i64,
    today: Date,
    owners: Vec<RecordId>,
    stages: Vec<(RecordId, String)>,
    waiting: Vec<Command>,
    done: usize,
    all: usize,
    report: DemoReport,
}

impl<'a> Maker<'a> {
    fn new(
        engine: &'a Engine,
        actor: &'a Actor,
        options: &DemoOptions,
        progress: &'a mut dyn FnMut(usize, usize),
        all: usize,
    ) -> Result<Self, EngineError> {
        let today = Timestamp::from_millisecond(options.now_ms)
            .map_err(|e| EngineError::Request(format!("the demo needs a date it can count from: {e}")))?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let owners = engine.query(actor, &Query::of("users").limit(20))?.records.iter().map(|user| user.id).collect();
        let mut maker = Maker {
            engine,
            actor,
            progress,
            chance: Chance::new(options.seed),
            now_ms: options.now_ms,
            today,
            owners,
            stages: Vec::new(),
            waiting: Vec::new(),
            done: 0,
            all,
            report: DemoReport::default(),
        };
        maker.stages = maker.read_stages()?;
        Ok(maker)
    }

    /// Stages of the first pipeline in order, with their outcome.
    fn read_stages(&self) -> Result<Vec<(RecordId, String)>, EngineError> {
        let filter = format!("pipeline == \"{}\"", crate::pipelines::SALES);
        let page = self.engine.query(self.actor, &Query::of("stages").filter(filter).sort_by("position", false))?;
        let outcome = |json: &Json| json["values"]["outcome"].as_str().unwrap_or("open").to_string();
        Ok(page.records.iter().map(|r| (r.id, outcome(&self.engine.to_json(self.actor, r)))).collect())
    }

    fn make(&mut self, object: &str, values: Json) -> Result<RecordId, EngineError> {
        let id = RecordId::new(self.now_ms.max(0) as u64, self.chance.bytes());
        let values: Map<String, Json> = match values {
            Json::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        self.waiting.push(Command::Create { object: object.into(), id: Some(id), values: Fields::Json(values) });
        if self.waiting.len() >= BATCH {
            self.flush()?;
        }
        Ok(id)
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        let commands = std::mem::take(&mut self.waiting);
        if commands.is_empty() {
            return Ok(());
        }
        self.done += commands.len();
        self.engine.execute(self.actor, commands, CommitOptions::caused_by(Cause::new("demo")))?;
        (self.progress)(self.done, self.all);
        Ok(())
    }

    fn owner(&mut self) -> Json {
        if self.owners.is_empty() { Json::Null } else { json!(self.chance.pick(&self.owners).to_string()) }
    }

    fn day(&self, offset: i64) -> String {
        self.today.checked_add(offset.days()).unwrap_or(self.today).to_string()
    }

    fn companies(&mut self, count: usize) -> Result<Vec<(RecordId, Company)>, EngineError> {
        let mut made = Vec::with_capacity(count);
        for number in 0..count {
            let country = self.chance.below(words::COUNTRIES.len());
            let place = &words::COUNTRIES[country];
            let base = format!("{}{}", self.chance.pick(words::COMPANY_FIRST), self.chance.pick(words::COMPANY_SECOND));
            let name = match self.chance.below(3) {
                0 => format!("{} & {}", self.chance.pick(place.last), self.chance.pick(place.last)),
                _ => base,
            };
            let domain = words::domain(&name, number);
            let employees = 1 << self.chance.below(11);
            let employees = employees + self.chance.below(employees);
            let owner = self.owner();
            let values = json!({
                "name": format!("{name} {}", place.company_form),
                "domain": domain,
                "website": format!("https://www.{domain}"),
                "industry": self.chance.pick(words::INDUSTRIES),
                "employees": employees,
                "annual_revenue": {"amount": (employees * (60_000 + self.chance.below(120_000))).to_string(), "currency": place.currency},
                "address": self.address(country),
                "owner": owner,
                "tags": self.tags(),
            });
            made.push((self.make("companies", values)?, Company { domain, country }));
        }
        self.flush()?;
        self.report.companies = count;
        Ok(made)
    }

    fn address(&mut self, country: usize) -> Json {
        let place = &words::COUNTRIES[country];
        let street = *self.chance.pick(place.streets);
        let (city, code) = self.chance.pick(place.cities);
        json!({"street": place.street(street, 1 + self.chance.below(180)), "city": city, "postal_code": code, "country": place.code})
    }

    fn tags(&mut self) -> Json {
        if self.chance.one_in(3) { json!([self.chance.pick(words::TAGS)]) } else { Json::Null }
    }

    fn people(
        &mut self,
        count: usize,
        companies: &[(RecordId, Company)],
    ) -> Result<Vec<(RecordId, usize)>, EngineError> {
        let mut made = Vec::with_capacity(count);
        for number in 0..count {
            // Some companies have many contacts and most have few.
            let at = self.chance.below(companies.len()).min(self.chance.below(companies.len()));
            let (company, about) = &companies[at];
            let place = &words::COUNTRIES[about.country];
            let (first, last) = (*self.chance.pick(place.first), *self.chance.pick(place.last));
            let mail = format!("{}.{}{}@{}", words::plain(first), words::plain(last), number, about.domain);
            let owner = self.owner();
            let phone = place.phone(self.chance.below(1_000_000));
            let birthday = self.chance.one_in(4).then(|| self.day(-9_000 - (number as i64 * 37) % 12_000));
            let values = json!({
                "first_name": first,
                "last_name": last,
                "emails": [{"value": mail, "label": "work"}],
                "phones": if self.chance.one_in(5) { Json::Null } else { json!([{"value": phone, "label": "mobile"}]) },
                "company": company.to_string(),
                "job_title": self.chance.pick(words::JOBS),
                "lifecycle": self.chance.pick(&["lead", "opportunity", "customer", "customer", "subscriber"]),
                "address": if self.chance.one_in(2) { self.address(about.country) } else { Json::Null },
                "birthday": birthday,
                "marketing_consent": self.chance.one_in(2),
                "owner": owner,
                "tags": self.tags(),
            });
            made.push((self.make("people", values)?, at));
        }
        self.flush()?;
        self.report.people = count;
        Ok(made)
    }

    fn leads(&mut self, count: usize) -> Result<(), EngineError> {
        for number in 0..count {
            let place = &words::COUNTRIES[self.chance.below(words::COUNTRIES.len())];
            let (first, last) = (*self.chance.pick(place.first), *self.chance.pick(place.last));
            let company =
                format!("{}{}", self.chance.pick(words::COMPANY_FIRST), self.chance.pick(words::COMPANY_SECOND));
            let owner = self.owner();
            let values = json!({
                "first_name": first,
                "last_name": last,
                "company_name": company,
                "email": format!("{}.{}@{}", words::plain(first), words::plain(last), words::domain(&company, number)),
                "phone": place.phone(self.chance.below(1_000_000)),
                "status": self.chance.pick(&["new", "new", "contacted", "qualified", "unqualified"]),
                "source": self.chance.pick(&["web", "referral", "event", "advertising", "call", "partner"]),
                "rating": self.chance.below(6),
                "estimated_value": {"amount": (500 * (1 + self.chance.below(80))).to_string(), "currency": place.currency},
                "owner": owner,
            });
            self.make("leads", values)?;
        }
        self.flush()?;
        self.report.leads = count;
        Ok(())
    }

    /// Deals of a year: the older, the likelier closed.
    fn deals(
        &mut self,
        count: usize,
        companies: &[(RecordId, Company)],
        people: &[(RecordId, usize)],
    ) -> Result<Vec<RecordId>, EngineError> {
        let open: Vec<RecordId> = self.stages.iter().filter(|(_, o)| o == "open").map(|(id, _)| *id).collect();
        let closed = |outcome: &str| self.stages.iter().find(|(_, o)| o == outcome).map(|(id, _)| *id);
        let (won, lost) = (closed("won"), closed("lost"));
        let mut made = Vec::with_capacity(count);
        for _ in 0..count {
            let (person, at) = *self.chance.pick(people);
            let (company, about) = &companies[at];
            let offset = self.chance.below(365 + 90) as i64 - 365;
            let is_closed = offset < 0 && !self.chance.one_in(12);
            let is_won = is_closed && self.chance.below(100) < 42;
            let stage = match (is_closed, is_won) {
                (true, true) => won,
                (true, false) => lost,
                _ => (!open.is_empty()).then(|| *self.chance.pick(&open)),
            };
            let owner = self.owner();
            let values = json!({
                "name": format!("{} – {}", words::bare(&about.domain), self.chance.pick(words::DEALS)),
                "amount": {"amount": (250 * (4 + self.chance.below(40) * self.chance.below(12))).to_string(), "currency": words::COUNTRIES[about.country].currency},
                "stage": stage.map(|id| id.to_string()),
                "company": company.to_string(),
                "people": [person.to_string()],
                "owner": owner,
                "close_date": self.day(offset),
                "lost_reason": (is_closed && !is_won).then(|| *self.chance.pick(&["price", "competitor", "timing", "no_need", "no_answer"])),
                "type": self.chance.pick(&["new", "existing"]),
                "source": self.chance.pick(&["Website", "Referral", "Trade fair", "Newsletter"]),
            });
            made.push(self.make("deals", values)?);
        }
        self.flush()?;
        self.report.deals = count;
        Ok(made)
    }

    /// A record that work is about: a deal or a person.
    fn subject(&mut self, deals: &[RecordId], people: &[(RecordId, usize)]) -> RecordId {
        if self.chance.one_in(3) || deals.is_empty() { self.chance.pick(people).0 } else { *self.chance.pick(deals) }
    }

    fn tasks(&mut self, count: usize, deals: &[RecordId], people: &[(RecordId, usize)]) -> Result<(), EngineError> {
        for _ in 0..count {
            let offset = self.chance.below(90) as i64 - 45;
            let (title, kind) = *self.chance.pick(words::TASKS);
            let owner = self.owner();
            let about = self.subject(deals, people);
            let values = json!({
                "title": title,
                "type": kind,
                "due": self.day(offset),
                "done": offset < -3 || (offset < 2 && self.chance.one_in(2)),
                "priority": self.chance.pick(&["low", "normal", "normal", "high"]),
                "assignee": owner,
                "about": about.to_string(),
            });
            self.make("tasks", values)?;
        }
        self.flush()?;
        self.report.tasks = count;
        Ok(())
    }

    fn notes(&mut self, count: usize, deals: &[RecordId], people: &[(RecordId, usize)]) -> Result<(), EngineError> {
        for _ in 0..count {
            let about = self.subject(deals, people);
            let body = format!("{} {}", self.chance.pick(words::NOTE_FIRST), self.chance.pick(words::NOTE_SECOND));
            self.make("notes", json!({"body": body, "about": about.to_string()}))?;
        }
        self.flush()?;
        self.report.notes = count;
        Ok(())
    }
}
