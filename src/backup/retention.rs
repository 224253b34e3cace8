//! Which backups to keep: the newest few, and the newest of each day, week and month for a while. Pure. What a kept increment builds
//! on is kept with it.

use std::collections::HashSet;

use jiff::{Timestamp, tz::TimeZone};
use kith_base::RecordId;
use serde::{Deserialize, Serialize};

/// How many of each to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    pub last: u32,
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Keep { last: 3, daily: 7, weekly: 4, monthly: 12 }
    }
}

/// A finished backup, as far as keeping is concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Point {
    pub id: RecordId,
    pub at_ms: i64,
    pub builds_on: Option<RecordId>,
}

/// The backups that nobody needs any more. `points` in any order.
pub fn superfluous(points: &[Point], keep: Keep, zone: &TimeZone) -> Vec<RecordId> {
    let mut newest_first: Vec<&Point> = points.iter().collect();
    newest_first.sort_by_key(|point| std::cmp::Reverse((point.at_ms, point.id)));
    let mut kept: HashSet<RecordId> =
        newest_first.iter().take(keep.last.max(1) as usize).map(|point| point.id).collect();
    let day =
        |point: &Point| Timestamp::from_millisecond(point.at_ms).unwrap_or_default().to_zoned(zone.clone()).date();
    let by_day = |point: &Point| (day(point).year(), i32::from(day(point).day_of_year()));
    let by_week = |point: &Point| {
        let week = day(point).iso_week_date();
        (week.year(), i32::from(week.week()))
    };
    let by_month = |point: &Point| (day(point).year(), i32::from(day(point).month()));
    let mut newest_of = |count: u32, period: &dyn Fn(&Point) -> (i16, i32)| {
        let mut seen = HashSet::new();
        for point in &newest_first {
            if seen.len() >= count as usize {
                break;
            }
            if seen.insert(period(point)) {
                kept.insert(point.id);
            }
        }
    };
    newest_of(keep.daily, &by_day);
    newest_of(keep.weekly, &by_week);
    newest_of(keep.monthly, &by_month);
    // Newest first, so that what a base builds on is reached through the base.
    for point in &newest_first {
        if kept.contains(&point.id)
            && let Some(base) = point.builds_on
        {
            kept.insert(base);
        }
    }
    points.iter().map(|point| point.id).filter(|id| !kept.contains(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const START: i64 = 1_772_366_400_000;

    fn id(n: usize) -> RecordId {
        RecordId::new(n as u64, [1; 10])
    }

    /// A full one each day at noon, an increment every six hours.
    fn days(days: usize) -> Vec<Point> {
        (0..days * 4)
            .map(|n| Point { id: id(n), at_ms: START + n as i64 * 6 * HOUR, builds_on: (n % 4 > 0).then(|| id(n - 1)) })
            .collect()
    }

    fn left(points: &[Point], keep: Keep) -> Vec<RecordId> {
        let gone = superfluous(points, keep, &TimeZone::UTC);
        points.iter().map(|point| point.id).filter(|id| !gone.contains(id)).collect()
    }

    #[test]
    fn the_newest_few_are_kept_with_all_they_build_on() {
        let points = days(3);
        let keep = Keep { last: 1, daily: 0, weekly: 0, monthly: 0 };
        assert_eq!(left(&points, keep), [id(8), id(9), id(10), id(11)]);
        assert_eq!(left(&points[..9], keep), [id(8)]);
        assert_eq!(left(&points, Keep { last: 0, ..keep }).len(), 4, "the newest one always stays");
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_is_kept() {
        // Full ones only, daily for a year.
        let points: Vec<Point> =
            (0..365).map(|n| Point { id: id(n), at_ms: START + n as i64 * 24 * HOUR, builds_on: None }).collect();
        let keep = Keep { last: 1, daily: 7, weekly: 4, monthly: 12 };
        let kept = left(&points, keep);
        assert!(kept.contains(&id(364)) && kept.contains(&id(358)) && !kept.contains(&id(356)));
        assert!((20..=23).contains(&kept.len()), "{}", kept.len());
        assert_eq!(left(&points, Keep { last: 1, daily: 0, weekly: 0, monthly: 12 }).len(), 12);
    }

    proptest::proptest! {
        #[test]
        fn nothing_kept_ever_lacks_what_it_builds_on(
            gaps in proptest::collection::vec((1i64..100, proptest::bool::ANY), 1..60),
            last in 0u32..5, daily in 0u32..9, weekly in 0u32..5, monthly in 0u32..4,
        ) {
            let mut at_ms = START;
            let points: Vec<Point> = gaps.iter().enumerate().map(|(n, (hours, full))| {
                at_ms += hours * HOUR;
                Point { id: id(n), at_ms, builds_on: (n > 0 && !full).then(|| id(n - 1)) }
            }).collect();
            let kept = left(&points, Keep { last, daily, weekly, monthly });
            proptest::prop_assert!(kept.contains(&points[points.len() - 1].id));
            for point in points.iter().filter(|point| kept.contains(&point.id)) {
                proptest::prop_assert!(point.builds_on.is_none_or(|base| kept.contains(&base)));
            }
        }
    }
}
