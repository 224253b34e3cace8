//! Figures for Prometheus: requests, times, and what the engine and store say of themselves. Never a value of a record.

use std::sync::{Mutex, PoisonError, atomic::AtomicU64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct NameLabel {
    name: String,
}

/// Upper bounds in seconds. Most answers take well under a millisecond; the budget of a list is 10 ms.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// All figures of the process.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    gauges: Family<NameLabel, Gauge<f64, AtomicU64>>,
    records: Family<NameLabel, Gauge>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("kith");
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let (gauges, records) = (Family::default(), Family::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time until the answer's head was ready", seconds.clone());
        registry.register("state", "What engine and store say of themselves", gauges.clone());
        registry.register("records", "Records outside the trash, per object", records.clone());
        Metrics { registry: Mutex::new(registry), requests, seconds, gauges, records }
    }

    /// Notes one answered request. `route` is the pattern, never the path: paths name records.
    pub fn answered(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let (method, route) = (method.to_string(), route.to_string());
        self.seconds.get_or_create(&RouteLabels { method: method.clone(), route: route.clone() }).observe(seconds);
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    pub fn set(&self, name: &str, value: f64) {
        self.gauges.get_or_create(&NameLabel { name: name.to_string() }).set(value);
    }

    pub fn set_records(&self, object: &str, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.records.get_or_create(&NameLabel { name: object.to_string() }).set(count);
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let metrics = Metrics::new();
        metrics.answered("GET", "/api/v1/records/{object}", 200, 0.002);
        metrics.set_records("people", 3);
        let text = metrics.text().unwrap();
        assert!(
            text.contains(r#"kith_http_requests_total{method="GET",route="/api/v1/records/{object}",status="200"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"kith_records{name="people"} 3"#), "{text}");
    }
}
