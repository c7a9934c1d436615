//! The promise, and what else is asked of a history. Knows nothing of how the cache works.

use super::{
    history::{Birth, By, Change, Events, Got, How, Reading, Span, What},
    plan::{Ahead, Kind, Plan},
};

/// What is wrong with a history.
pub(super) fn broken(plan: &Plan, events: &Events) -> Option<String> {
    let readings = events.readings.iter().find_map(|reading| {
        let wrong = wrong_with(plan, events, reading)?;
        Some(format!("{wrong}: {reading:?}"))
    });
    readings.or_else(|| (plan.kind == Kind::Calls).then(|| loaded_twice(events)).flatten())
}

fn wrong_with(plan: &Plan, events: &Events, reading: &Reading) -> Option<String> {
    let got = match reading.got {
        Got::Nothing => return None,
        Got::Panic => {
            return (own_end(events, reading) != Some(How::Panic)).then(|| "a panic of others".into());
        }
        Got::Answer(got) | Got::Error(got) => events.birth_of(got),
    };
    if got.key != reading.key {
        return Some("the answer of another key".into());
    }
    if let Some(change) = last_resort_that_was_forgotten(plan, events, reading, got) {
        return Some(format!("an answer in place of an error, after {change:?}"));
    }
    let older = |change: &&Change| {
        concerns(change, reading.key)
            && !change.incomplete
            && change.span.ended.is_some_and(|ended| ended < reading.span.began)
            && is_from_before(got, change)
    };
    events.changes.iter().filter(older).find_map(|change| {
        let wrong = match change.what {
            What::Invalidate => Some("what was forgotten"),
            // They do not say what a layer could not do.
            What::Put => (!overlapped(events, change, &[What::Outage])).then_some("what was replaced"),
            What::Refresh => (!overlapped(events, change, &[What::Outage])).then_some("what was refreshed"),
            What::Expire => expired(plan, events, reading, change),
            What::Tidy | What::Outage => None,
        };
        Some(format!("{}, after {change:?}", wrong?))
    })
}

/// An answer from before it was expired may still be what comes after an answer's life, and nothing else.
fn expired(plan: &Plan, events: &Events, reading: &Reading, change: &Change) -> Option<&'static str> {
    if let Got::Error(_) = reading.got {
        return Some("an error from before it was expired");
    }
    // When it began at the latest, it was past its life for this long at the least.
    let past = reading.span.began_at.since(change.span.ended_at);
    let failed = || events.births.iter().any(|birth| leaves_alone(birth, reading));
    if past >= plan.grace() {
        return Some("what was expired, and more");
    }
    if past >= plan.stale {
        return (!failed()).then_some("what was expired, though no load failed");
    }
    // What is refreshed inline leaves no trace if its caller goes away before it begins; and on many threads the answer in
    // hand may change before its refresh is begun, which then is left to others.
    let renewed = || {
        events.births.iter().any(|birth| birth.key == reading.key && birth.span.began > change.span.began)
            || events.readings.iter().any(|other| {
                other.key == reading.key && other.by == By::InlineCall && other.span.ended.is_none()
            })
            || overlapped(events, change, &[What::Refresh])
            || events.changes.iter().any(|other| takes_back_a_refresh(other, reading))
    };
    (plan.on_one_thread && reading.by == By::Call && !renewed() && !failed())
        .then_some("what was expired, as if it were fresh")
}

/// Whether the refresh that `reading` began may have been dropped before its body began: nobody has a use for it once its
/// key is forgotten.
fn takes_back_a_refresh(change: &Change, reading: &Reading) -> bool {
    concerns(change, reading.key)
        && !matches!(change.what, What::Tidy | What::Outage)
        && change.span.ended.is_none_or(|ended| ended > reading.span.began)
}

/// Whether `birth` is a failure for which the source was left alone when `reading` was answered.
fn leaves_alone(birth: &Birth, reading: &Reading) -> bool {
    birth.key == reading.key
        && matches!(birth.how, How::Error | How::Panic)
        && birth.span.ended < reading.span.ended
        && reading.span.began_at < birth.span.ended_at.plus(Plan::pause())
}

/// The change that had ended when the reading's own body failed, and that the answer in its place was older than.
fn last_resort_that_was_forgotten<'a>(
    plan: &Plan,
    events: &'a Events,
    reading: &Reading,
    got: &Birth,
) -> Option<&'a Change> {
    let run = events.birth_of(reading.own_run?);
    // A stale answer, or one that is refreshed ahead of its end, is given before the body ends.
    let in_place = plan.stale.is_zero() && plan.refresh_ahead == Ahead::Off;
    if run.how != How::Error || !in_place || !matches!(reading.got, Got::Answer(_)) {
        return None;
    }
    events.changes.iter().find(|change| {
        matches!(change.what, What::Invalidate | What::Put)
            && concerns(change, reading.key)
            && !change.incomplete
            && !overlapped(events, change, &[What::Outage])
            && change.span.ended.is_some_and(|ended| Some(ended) < run.span.ended)
            && is_from_before(got, change)
    })
}

/// Whether an answer is as old as that. A body's answer is as old as its beginning, when it looks into the database. What is
/// put becomes the answer at some moment between the beginning and the end of the `put`, so of two things that are done to
/// a key at the same time, either may come last.
fn is_from_before(answer: &Birth, change: &Change) -> bool {
    match answer.how {
        How::Put => answer.span.ended.is_some_and(|ended| ended < change.span.began),
        _ => answer.span.began < change.span.began,
    }
}

/// A key of which more than one body ended, though nothing but calls happened.
fn loaded_twice(events: &Events) -> Option<String> {
    let answers = events.births.iter().filter(|birth| birth.how == How::Answer);
    (answers.count() > 1).then(|| "a key was loaded twice".into())
}

fn own_end(events: &Events, reading: &Reading) -> Option<How> {
    reading.own_run.map(|run| events.birth_of(run).how)
}

fn concerns(change: &Change, key: usize) -> bool {
    change.key.is_none_or(|of| of == key)
}

/// Whether something else of one of these kinds went on at the same time.
fn overlapped(events: &Events, change: &Change, kinds: &[What]) -> bool {
    let at_the_same_time = |one: &Span, other: &Span| {
        one.ended.is_none_or(|ended| ended > other.began) && other.ended.is_none_or(|ended| ended > one.began)
    };
    events.changes.iter().any(|other| {
        kinds.contains(&other.what)
            && other.span != change.span
            && (other.key.is_none() || change.key.is_none() || other.key == change.key)
            && at_the_same_time(&other.span, &change.span)
    })
}
