//! Each variable, read and refused.

use std::{path::Path, time::Duration};

use super::{problem_of, settings_from};
use crate::{
    config::{DiskEngine, Settings},
    error::LayerKind,
    layers::memory::Eviction,
};

#[track_caller]
fn with(variable: &str, value: &str) -> Settings {
    settings_from(&[(variable, value)]).unwrap_or_else(|error| panic!("{error}"))
}

/// Each value is refused, for this reason.
#[track_caller]
fn refused(variable: &str, values: &[&str], reason: &str) {
    for value in values {
        let problem = problem_of(variable, value);
        assert!(problem.contains(reason), "{value:?}: {problem}");
        assert!(problem.contains("; write "), "{value:?}: {problem}");
    }
}

#[test]
fn nothing_set_means_the_documented_defaults() {
    let settings = settings_from(&[]).unwrap();

    assert!(settings.enabled);
    assert_eq!(settings.namespace, "hc");
    assert_eq!(settings.layers, [LayerKind::Memory]);
    assert_eq!(settings.ttl, Duration::from_mins(5));
    assert!((settings.jitter - 0.05).abs() < f64::EPSILON);
    assert_eq!(settings.wait, Duration::from_secs(30));
    assert_eq!(settings.mem_capacity, 10_000);
    assert!(settings.redis.is_none());
    let disk = settings.disk.unwrap();
    assert_eq!(disk.dir, Path::new("/platform/cache/hybrid-cache/program"));
    assert_eq!(disk.max_bytes, 1024 * 1024 * 1024);
    assert_eq!(disk.timeout, Duration::from_millis(50));
    let only_sled = cfg!(all(feature = "disk-sled", not(feature = "disk")));
    assert_eq!(disk.engine, if only_sled { DiskEngine::Sled } else { DiskEngine::Redb });
}

#[test]
fn a_switch_is_read_in_all_usual_words() {
    for yes in ["true", "1", "yes", "on", "TRUE", "Yes", "ON"] {
        assert!(with("HYBRID_CACHE_ENABLED", yes).enabled, "{yes}");
    }
    for no in ["false", "0", "no", "off", "False", "NO", "oFF"] {
        assert!(!with("HYBRID_CACHE_ENABLED", no).enabled, "{no}");
    }
    refused("HYBRID_CACHE_ENABLED", &["maybe", "2", "tru", "-", "disabled"], "is not a boolean");
}

#[test]
fn a_namespace_is_a_word_that_cannot_be_confused_with_the_rest_of_a_key() {
    assert_eq!(with("HYBRID_CACHE_NAMESPACE", "shop-staging.2_β").namespace, "shop-staging.2_β");
    let confusing =
        ["a:b", "{a}", "a}", "a*", "a b", " a", "a\n", "a\0", "a\u{7f}", "a\u{a0}b", "a?", "[a", "a]", "a\\"];
    refused("HYBRID_CACHE_NAMESPACE", &confusing, "confusing in a key");
}

#[test]
#[cfg(all(feature = "redis", any(feature = "disk", feature = "disk-sled")))]
fn layers_are_read_from_fast_to_slow() {
    use LayerKind::{Disk, Memory, Redis};
    assert_eq!(with("HYBRID_CACHE_LAYERS", "mem,redis,disk").layers, [Memory, Redis, Disk]);
    assert_eq!(with("HYBRID_CACHE_LAYERS", " mem , disk ").layers, [Memory, Disk]);
    assert_eq!(with("HYBRID_CACHE_LAYERS", "disk").layers, [Disk]);
    refused("HYBRID_CACHE_LAYERS", &["redis,mem", "disk,redis", "mem,disk,redis"], "a slower layer before");
    refused("HYBRID_CACHE_LAYERS", &["mem,mem", "mem,redis,mem", "disk,mem,disk"], "a layer twice");
}

#[test]
fn layers_that_do_not_exist_or_are_missing_are_refused() {
    refused(
        "HYBRID_CACHE_LAYERS",
        &["memory", "mem,sled", "MEM", "mem;redis"],
        "a layer that does not exist",
    );
    refused("HYBRID_CACHE_LAYERS", &[",", "mem,", ",mem", " "], "an empty place");
}

#[test]
#[cfg(not(feature = "redis"))]
fn the_redis_layer_without_its_feature_names_the_feature() {
    refused("HYBRID_CACHE_LAYERS", &["redis", "mem,redis"], "cargo feature `redis`");
}

#[test]
#[cfg(not(any(feature = "disk", feature = "disk-sled")))]
fn the_disk_layer_without_its_feature_names_the_feature() {
    refused("HYBRID_CACHE_LAYERS", &["disk", "mem,disk"], "cargo feature `disk`");
}

#[test]
fn durations_are_seconds_or_have_units() {
    let ttl = |text| with("HYBRID_CACHE_TTL", text).ttl;
    assert_eq!(ttl("60"), Duration::from_mins(1));
    assert_eq!(ttl(" 60 "), Duration::from_mins(1));
    assert_eq!(ttl("250ms"), Duration::from_millis(250));
    assert_eq!(ttl("5m"), Duration::from_mins(5));
    assert_eq!(ttl("1h30m"), Duration::from_mins(90));
    assert_eq!(ttl("1d"), Duration::from_hours(24));
    assert_eq!(with("HYBRID_CACHE_WAIT", "2s").wait, Duration::from_secs(2));
}

#[test]
fn every_duration_refuses_zero_and_nonsense() {
    for variable in
        ["HYBRID_CACHE_TTL", "HYBRID_CACHE_WAIT", "HYBRID_CACHE_REDIS_TIMEOUT", "HYBRID_CACHE_DISK_TIMEOUT"]
    {
        refused(variable, &["0", "0s", "0ms", "00", "0h0m"], "is no time at all");
        let nonsense = ["5 parsecs", "-1", "1e3", "5x", "NaN", " ", "m5", "٣"];
        refused(variable, &nonsense, "is not a duration");
        refused(
            variable,
            &["99999999999999999999", "99999999999999999w"],
            "is longer than a duration can be",
        );
        refused(variable, &["5M", "1h 5M"], "minutes are `m` (\"5m\")");
        refused(variable, &["2 months", "1y"], "count in days");
    }
}

#[test]
fn jitter_is_a_fraction() {
    assert!(with("HYBRID_CACHE_JITTER", "0").jitter.abs() < f64::EPSILON);
    assert!((with("HYBRID_CACHE_JITTER", "0.99").jitter - 0.99).abs() < f64::EPSILON);
    refused("HYBRID_CACHE_JITTER", &["1", "1.0", "-0.1", "NaN", "inf", "-inf", "1e300"], "is out of range");
    refused("HYBRID_CACHE_JITTER", &["5%", "yes", "0,1"], "is not a number");
}

#[test]
fn the_capacity_is_a_number_of_entries() {
    assert_eq!(with("HYBRID_CACHE_MEM_CAPACITY", "500").mem_capacity, 500);
    assert_eq!(with("HYBRID_CACHE_MEM_CAPACITY", "10_000").mem_capacity, 10_000);
    refused("HYBRID_CACHE_MEM_CAPACITY", &["0"], "leaves no room");
    refused(
        "HYBRID_CACHE_MEM_CAPACITY",
        &["-1", "yes", "1.5", "64MiB", "99999999999999999999"],
        "not a whole number",
    );
}

#[test]
fn the_redis_settings_arrive_together() {
    let redis = settings_from(&[
        ("HYBRID_CACHE_REDIS_URL", "redis://localhost:7000/2"),
        ("HYBRID_CACHE_REDIS_PASSWORD", " as it is "),
        ("HYBRID_CACHE_REDIS_TIMEOUT", "100ms"),
    ]);
    let redis = redis.unwrap().redis.unwrap();

    assert_eq!(redis.url.expose(), "redis://localhost:7000/2");
    assert_eq!(redis.password.unwrap().expose(), " as it is ");
    assert_eq!(redis.timeout, Duration::from_millis(100));
}

#[test]
fn a_redis_server_is_asked_within_a_quarter_second_by_default() {
    let redis = with("HYBRID_CACHE_REDIS_URL", "unix:///run/redis.sock").redis.unwrap();
    assert_eq!(redis.timeout, Duration::from_millis(250));
    assert_eq!(redis.password, None);
}

#[test]
fn an_address_of_another_kind_names_the_kinds_there_are() {
    refused(
        "HYBRID_CACHE_REDIS_URL",
        &["http://host", "localhost", "tcp://h:1"],
        "known: redis, rediss, valkey",
    );
}

#[test]
fn the_disk_settings_arrive_together() {
    let engine = if cfg!(feature = "disk") { "redb" } else { "sled" };
    let mut variables = vec![
        ("HYBRID_CACHE_DISK_DIR", "/var/cache/shop"),
        ("HYBRID_CACHE_DISK_MAX_BYTES", "64MiB"),
        ("HYBRID_CACHE_DISK_TIMEOUT", "20ms"),
    ];
    if cfg!(any(feature = "disk", feature = "disk-sled")) {
        variables.push(("HYBRID_CACHE_DISK_ENGINE", engine));
    }
    let disk = settings_from(&variables).unwrap().disk.unwrap();

    assert_eq!(disk.dir, Path::new("/var/cache/shop"));
    assert_eq!(disk.max_bytes, 64 << 20);
    assert_eq!(disk.timeout, Duration::from_millis(20));
}

#[test]
fn sizes_are_bytes_or_have_units() {
    let bytes = |text| with("HYBRID_CACHE_DISK_MAX_BYTES", text).disk.unwrap().max_bytes;
    assert_eq!(bytes("1048576"), 1 << 20);
    assert_eq!(bytes("1GiB"), 1 << 30);
    assert_eq!(bytes("2 gib"), 2 << 30);
    assert_eq!(bytes("500MB"), 500_000_000);
    assert_eq!(bytes("1.5KiB"), 1536);
    refused("HYBRID_CACHE_DISK_MAX_BYTES", &["0", "0GiB", "0.1B"], "leaves no room");
    refused(
        "HYBRID_CACHE_DISK_MAX_BYTES",
        &["99999999EiB", "999999999999999999999GiB"],
        "more than can be counted",
    );
    refused(
        "HYBRID_CACHE_DISK_MAX_BYTES",
        &["-1", "much", "1 parsec", "NaN", "GiB", "1.2.3MB", " "],
        "is not a size",
    );
}

#[test]
fn what_all_functions_hold_in_memory_has_no_bound_unless_one_is_set() {
    assert_eq!(settings_from(&[]).unwrap().mem_max_bytes, None);
    assert_eq!(with("HYBRID_CACHE_MEM_MAX_BYTES", "256MiB").mem_max_bytes, Some(256 << 20));
    refused("HYBRID_CACHE_MEM_MAX_BYTES", &["0", "0GiB"], "leaves no room");
    refused("HYBRID_CACHE_MEM_MAX_BYTES", &["much", "-1"], "is not a size");
}

#[test]
fn a_directory_that_only_a_shell_could_find_is_refused() {
    refused("HYBRID_CACHE_DISK_DIR", &["~", "~/cache", "~root/cache"], "begins with `~`");
}

#[test]
#[cfg(feature = "disk-sled")]
fn sled_can_be_chosen_where_it_was_compiled_in() {
    assert_eq!(with("HYBRID_CACHE_DISK_ENGINE", "Sled").disk.unwrap().engine, DiskEngine::Sled);
}

#[test]
#[cfg(not(feature = "disk-sled"))]
fn sled_without_its_feature_names_the_feature() {
    refused("HYBRID_CACHE_DISK_ENGINE", &["sled"], "cargo feature `disk-sled`");
}

#[test]
#[cfg(not(feature = "disk"))]
fn redb_without_its_feature_names_the_feature() {
    refused("HYBRID_CACHE_DISK_ENGINE", &["redb"], "cargo feature `disk`");
}

#[test]
fn what_leaves_memory_first_can_be_chosen() {
    assert_eq!(with("HYBRID_CACHE_EVICTION", " S3FIFO ").eviction, Eviction::S3Fifo);
    refused("HYBRID_CACHE_EVICTION", &["lru", "s3-fifo", "1"], "is not a way to evict");
}

#[test]
#[cfg(feature = "moka")]
fn moka_can_be_chosen_where_it_was_compiled_in() {
    assert_eq!(with("HYBRID_CACHE_EVICTION", "tinylfu").eviction, Eviction::TinyLfu);
}

#[test]
#[cfg(not(feature = "moka"))]
fn moka_without_its_feature_names_the_feature() {
    refused("HYBRID_CACHE_EVICTION", &["tinylfu"], "cargo feature `moka`");
}

#[test]
fn an_engine_that_does_not_exist_is_refused() {
    refused("HYBRID_CACHE_DISK_ENGINE", &["rocksdb", "redb2", "1"], "is not an engine");
}

#[test]
fn a_variable_without_text_counts_as_not_set() {
    let variables: Vec<_> = super::super::setting::Setting::ALL
        .into_iter()
        .map(|setting| (setting.variable(), ""))
        .chain([("REDIS_URL", ""), ("REDIS_PASSWORD", ""), ("HYBRID_CACHE_FN_PRODUCT_TTL", "")])
        .collect();

    let settings = settings_from(&variables).unwrap();

    assert_eq!(settings.report().to_string(), settings_from(&[]).unwrap().report().to_string());
}
