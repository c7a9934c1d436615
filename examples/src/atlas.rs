//! The cities and countries of `data/`, read from the program itself.
//!
//! Knows the layout of the two tables and nothing of what is asked about them.

use serde::{Deserialize, Serialize};

const CITIES: &str = include_str!("../data/cities.tsv");
const COUNTRIES: &str = include_str!("../data/countries.tsv");

/// A city of at least 60 000 people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct City {
    /// Its number at geonames.org.
    pub id: u32,
    /// Its country's code by ISO 3166-1, two capital letters.
    pub country: String,
    /// Its name, usually the English one.
    pub name: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// People who live there.
    pub population: u32,
}

/// A country with at least one city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country {
    /// Its code by ISO 3166-1, two capital letters.
    pub code: String,
    /// Its English name.
    pub name: String,
}

/// Every city, country by country, each country's largest first.
pub fn cities() -> impl Iterator<Item = City> {
    rows(CITIES).filter_map(|[id, country, name, latitude, longitude, population]| {
        Some(City {
            id: id.parse().ok()?,
            country: country.to_owned(),
            name: name.to_owned(),
            latitude: latitude.parse().ok()?,
            longitude: longitude.parse().ok()?,
            population: population.parse().ok()?,
        })
    })
}

/// Every country that has a city, by code.
pub fn countries() -> impl Iterator<Item = Country> {
    rows(COUNTRIES).map(|[code, name]| Country { code: code.to_owned(), name: name.to_owned() })
}

/// The country of this English name.
#[must_use]
pub fn country_named(name: &str) -> Option<Country> {
    countries().find(|country| country.name == name)
}

/// The cities of a country, largest first.
pub fn cities_of(code: &str) -> impl Iterator<Item = City> {
    cities().filter(move |city| city.country == code)
}

/// The lines of a table, less its header. A line with another number of columns is left out.
fn rows<const COLUMNS: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; COLUMNS]> {
    table.lines().skip(1).filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_can_be_read() {
        assert_eq!(cities().count(), CITIES.lines().count() - 1);
        assert_eq!(countries().count(), COUNTRIES.lines().count() - 1);
    }

    #[test]
    fn every_city_lies_in_a_listed_country_and_on_the_globe() {
        let codes: Vec<String> = countries().map(|country| country.code).collect();
        for city in cities() {
            assert!(codes.contains(&city.country), "{city:?}");
            assert!(city.latitude.abs() <= 90.0 && city.longitude.abs() <= 180.0, "{city:?}");
        }
    }

    #[test]
    fn a_countrys_cities_come_largest_first() {
        let japan = country_named("Japan").unwrap();
        let sizes: Vec<u32> = cities_of(&japan.code).map(|city| city.population).collect();
        assert_eq!(cities_of(&japan.code).next().unwrap().name, "Tokyo");
        assert!(sizes.is_sorted_by(|larger, smaller| larger >= smaller));
    }

    #[test]
    fn a_city_has_one_id_of_its_own() {
        let mut ids: Vec<u32> = cities().map(|city| city.id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
