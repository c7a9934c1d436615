//! An expensive question: which round trip through a country's largest cities is the shortest?
//!
//! The answer is exact, by the algorithm of Held and Karp, and each further stop more than doubles the work: what
//! a cache is for. Knows geometry and nothing of caching or printing.

use serde::{Deserialize, Serialize};

use crate::atlas::{self, City};

/// The most stops [`shortest_round_trip`] takes: its table has `stops · 2^stops` entries, 40 MB at this number.
pub const MOST_STOPS: usize = 20;

const EARTH_RADIUS_METRES: f64 = 6_371_000.0;

/// The shortest round trip through some cities, as the crow flies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tour {
    /// The cities in the order of the trip, the largest first. From the last it goes back to the first.
    pub stops: Vec<String>,
    /// The whole way, the way back included.
    pub metres: u32,
}

/// Why there is no tour.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TourError {
    /// No country has this English name.
    #[error("there is no country named {0:?} in the data")]
    UnknownCountry(String),
    /// The country is too small.
    #[error("{country} has fewer than {wanted} cities in the data: {available}")]
    TooFewCities {
        /// The country's English name.
        country: String,
        /// The stops asked for.
        wanted: usize,
        /// The cities it has.
        available: usize,
    },
    /// More than [`MOST_STOPS`].
    #[error("a tour of {0} stops takes too long; at most {MOST_STOPS}")]
    TooManyStops(usize),
    /// The thread that searched for the tour did not finish.
    #[error("the search did not finish")]
    Unfinished(#[from] tokio::task::JoinError),
}

/// The shortest round trip through the `stops` largest cities of a country.
///
/// # Errors
///
/// If the country is unknown or has fewer cities, or if there are more than [`MOST_STOPS`].
pub fn shortest_round_trip(country: &str, stops: usize) -> Result<Tour, TourError> {
    if stops > MOST_STOPS {
        return Err(TourError::TooManyStops(stops));
    }
    let found = atlas::country_named(country).ok_or_else(|| TourError::UnknownCountry(country.to_owned()))?;
    let cities: Vec<City> = atlas::cities_of(&found.code).take(stops).collect();
    if cities.len() < stops {
        return Err(TourError::TooFewCities { country: found.name, wanted: stops, available: cities.len() });
    }
    Ok(shortest_through(&cities))
}

/// The shortest round trip through these cities, beginning with the first.
fn shortest_through(cities: &[City]) -> Tour {
    let Some((home, away)) = cities.split_first() else {
        return Tour { stops: Vec::new(), metres: 0 };
    };
    let paths = Paths::from(home, away);
    let (order, metres) = paths.shortest_round();
    let stops = order.iter().filter_map(|&stop| away.get(stop));
    Tour { stops: std::iter::once(home).chain(stops).map(|city| city.name.clone()).collect(), metres }
}

/// For every set of stops and each of them as the last: the shortest path from home through the set.
///
/// A set is a number whose bit `n` says whether stop `n` belongs to it, so that every set comes after its subsets.
struct Paths {
    from_home: Vec<u32>,
    between: Vec<Vec<u32>>,
    shortest: Vec<u32>,
}

impl Paths {
    fn from(home: &City, away: &[City]) -> Self {
        let row = |from: &City| away.iter().map(|to| metres_between(from, to)).collect::<Vec<_>>();
        let mut paths = Self {
            from_home: row(home),
            between: away.iter().map(row).collect(),
            shortest: Vec::with_capacity(away.len() << away.len()),
        };
        for set in 0..1_usize << away.len() {
            for last in 0..away.len() {
                let length = paths.best_last_leg(set, last).map_or(u32::MAX, |(_, length)| length);
                paths.shortest.push(length);
            }
        }
        paths
    }

    /// The stop before `last` on the shortest path from home through `set`, if any, and that path's length.
    fn best_last_leg(&self, set: usize, last: usize) -> Option<(Option<usize>, u32)> {
        let before = set & !(1 << last);
        if before == set {
            return None;
        }
        if before == 0 {
            return self.from_home.get(last).map(|&length| (None, length));
        }
        let legs = self.between.get(last)?.iter();
        legs.zip(self.ending_at(before)?)
            .enumerate()
            .map(|(previous, (leg, path))| (Some(previous), path.saturating_add(*leg)))
            .min_by_key(|&(_, length)| length)
    }

    /// The lengths of the shortest paths through `set`, by last stop; `u32::MAX` for a stop outside it.
    fn ending_at(&self, set: usize) -> Option<&[u32]> {
        let stops = self.from_home.len();
        self.shortest.get(set * stops..(set + 1) * stops)
    }

    /// The order of the stops on the shortest way through all and back home, and its length.
    fn shortest_round(&self) -> (Vec<usize>, u32) {
        let mut set = (1 << self.from_home.len()) - 1;
        let ways_home = self.ending_at(set).into_iter().flatten().zip(&self.from_home).enumerate();
        let round = ways_home
            .map(|(last, (path, home))| (last, path.saturating_add(*home)))
            .min_by_key(|&(_, length)| length);
        let Some((last, metres)) = round else {
            return (Vec::new(), 0);
        };

        let mut backwards = Vec::new();
        let mut at = Some(last);
        while let Some(last) = at {
            backwards.push(last);
            at = self.best_last_leg(set, last).and_then(|(previous, _)| previous);
            set &= !(1 << last);
        }
        (backwards, metres)
    }
}

/// The great-circle distance, by the haversine formula, in whole metres.
fn metres_between(one: &City, other: &City) -> u32 {
    let half_north = (other.latitude - one.latitude).to_radians() / 2.0;
    let half_east = (other.longitude - one.longitude).to_radians() / 2.0;
    let shrink = one.latitude.to_radians().cos() * other.latitude.to_radians().cos();
    let chord = half_north.sin().powi(2) + shrink * half_east.sin().powi(2);
    let metres = 2.0 * EARTH_RADIUS_METRES * chord.sqrt().min(1.0).asin();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and half the earth's girth, 20 million"
    )]
    let whole = metres.round() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(country: &str, count: usize) -> Vec<City> {
        let country = atlas::country_named(country).unwrap();
        atlas::cities_of(&country.code).take(count).collect()
    }

    fn length(round: &[&City]) -> u32 {
        let back = round.iter().cycle().skip(1);
        round.iter().zip(back).map(|(from, to)| metres_between(from, to)).sum()
    }

    /// The length of the shortest of all orders of `open` after `begun`, one by one.
    fn shortest_by_trying_all<'city>(begun: &mut Vec<&'city City>, open: &[&'city City]) -> u32 {
        if open.is_empty() {
            return length(begun);
        }
        let mut shortest = u32::MAX;
        for (nth, city) in open.iter().enumerate() {
            let rest = [&open[..nth], &open[nth + 1..]].concat();
            begun.push(city);
            shortest = shortest.min(shortest_by_trying_all(begun, &rest));
            begun.pop();
        }
        shortest
    }

    #[test]
    fn no_other_order_is_shorter() {
        for country in ["Italy", "Japan", "Nigeria", "New Zealand"] {
            let cities = largest(country, 8);
            let (home, away) = cities.split_first().unwrap();
            let shortest = shortest_by_trying_all(&mut vec![home], &away.iter().collect::<Vec<_>>());
            assert_eq!(shortest_through(&cities).metres, shortest, "{country}");
        }
    }

    #[test]
    fn the_length_is_that_of_the_order_given() {
        let cities = largest("France", 12);
        let tour = shortest_through(&cities);
        let round: Vec<&City> =
            tour.stops.iter().map(|stop| cities.iter().find(|city| city.name == *stop).unwrap()).collect();
        assert_eq!(tour.metres, length(&round));
    }

    #[test]
    fn every_city_is_visited_once_beginning_with_the_largest() {
        let tour = shortest_round_trip("Germany", 10).unwrap();
        let mut visited = tour.stops.clone();
        let mut asked: Vec<String> = largest("Germany", 10).into_iter().map(|city| city.name).collect();
        visited.sort();
        asked.sort();
        assert_eq!(tour.stops[0], "Berlin");
        assert_eq!(visited, asked);
    }

    #[test]
    fn the_same_question_has_the_same_answer() {
        assert_eq!(shortest_round_trip("Egypt", 11).unwrap(), shortest_round_trip("Egypt", 11).unwrap());
    }

    #[test]
    fn a_trip_to_nowhere_or_to_one_city_has_no_length() {
        assert_eq!(shortest_round_trip("Spain", 0).unwrap(), Tour { stops: vec![], metres: 0 });
        assert_eq!(
            shortest_round_trip("Spain", 1).unwrap(),
            Tour { stops: vec!["Madrid".into()], metres: 0 }
        );
    }

    #[test]
    fn the_distance_from_madrid_to_barcelona_is_right() {
        let [madrid, barcelona] = &largest("Spain", 2)[..] else { panic!("two cities") };
        let kilometres = metres_between(madrid, barcelona) / 1000;
        assert!((500..=510).contains(&kilometres), "{kilometres}");
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_its_reason() {
        let refused = |country, stops| shortest_round_trip(country, stops).unwrap_err().to_string();
        assert_eq!(refused("Atlantis", 5), "there is no country named \"Atlantis\" in the data");
        assert_eq!(refused("Iceland", 20), "Iceland has fewer than 20 cities in the data: 1");
        assert_eq!(refused("India", 21), "a tour of 21 stops takes too long; at most 20");
    }
}
