//! When rules run by themselves: once a day, after the hour that the settings name. Knows the clock it is given, and starts nothing.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use kith_base::TimestampMs;
use kith_model::Value;

use super::RetentionRun;
use crate::{
    Actor, Engine, Record,
    auth::directory::text,
    system::{ids, seeds},
};

/// When nothing else is set: few people work then.
const TIME: &str = "03:00";

impl Engine {
    /// Runs every enabled rule that has not run since its hour. To be called once in a while, off the async threads.
    pub fn run_due_retention(&self) -> Vec<RetentionRun> {
        let Some(hour) = self.retention_hour() else { return Vec::new() };
        let due = |rule: &Record| {
            let enabled = !rule.trashed && rule.values.get(ids::retention_rules::ENABLED) == &Value::Bool(true);
            // A rule that is new waits for its first night, so that a mistake can still be noticed.
            let last = match rule.values.get(ids::retention_rules::LAST_RUN_AT) {
                Value::DateTime(at) => *at,
                _ => rule.updated_at,
            };
            enabled && last < hour
        };
        let rules = self.core().records_of(ids::retention_rules::OBJECT).into_iter().filter(due);
        rules.filter_map(|rule| self.run_retention(&Actor::system(), rule.id, false).ok()).collect()
    }

    /// The newest moment at which rules were to run.
    fn retention_hour(&self) -> Option<TimestampMs> {
        let settings = self.core().image.get(seeds::SETTINGS)?;
        let set = text(settings.values.get(ids::settings::RETENTION_TIME));
        let time = time(&set).or_else(|| time(TIME))?;
        newest(self.now_ms(), &self.read_context().time_zone, time)
    }
}

fn time(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text.trim()).ok()
}

fn newest(now: TimestampMs, zone: &str, time: Time) -> Option<TimestampMs> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone());
    let today = now.date().to_datetime(time).to_zoned(zone.clone()).ok()?;
    let newest =
        if today <= now { today } else { now.date().yesterday().ok()?.to_datetime(time).to_zoned(zone).ok()? };
    Some(newest.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_is_that_of_the_workspace() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let three = time("03:00").unwrap();
        assert_eq!(newest(at("2026-06-10T00:30:00Z"), "Europe/Rome", three), Some(at("2026-06-09T01:00:00Z")));
        assert_eq!(newest(at("2026-06-10T01:00:00Z"), "Europe/Rome", three), Some(at("2026-06-10T01:00:00Z")));
        assert_eq!(newest(at("2026-06-10T12:00:00Z"), "nowhere", three), Some(at("2026-06-10T03:00:00Z")));
        assert!(time("25:00").is_none() && time("soon").is_none());
    }
}
