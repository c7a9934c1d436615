//! The builder over our variables over the platform's over the defaults.

use std::{path::Path, time::Duration};

use super::settings_from;
use crate::config::{Environment, Settings, builder::builder};

const URL: &str = "HYBRID_CACHE_REDIS_URL";
const PASSWORD: &str = "HYBRID_CACHE_REDIS_PASSWORD";

/// The address and the separate password that reach the layer.
fn redis(pairs: &[(&str, &str)]) -> Option<(String, Option<String>)> {
    let redis = settings_from(pairs).unwrap().redis?;
    Some((redis.url.expose().to_owned(), redis.password.map(|password| password.expose().to_owned())))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what `redis` returns")]
fn with(url: &str, password: Option<&str>) -> Option<(String, Option<String>)> {
    Some((url.to_owned(), password.map(ToOwned::to_owned)))
}

/// A builder that sets everything, over an environment that sets everything differently.
fn everything_set() -> Settings {
    let environment = Environment::of([
        ("HYBRID_CACHE_ENABLED", "true"),
        ("HYBRID_CACHE_NAMESPACE", "env"),
        ("HYBRID_CACHE_TTL", "1"),
        ("HYBRID_CACHE_JITTER", "0.1"),
        ("HYBRID_CACHE_WAIT", "1"),
        ("HYBRID_CACHE_MEM_CAPACITY", "1"),
        ("HYBRID_CACHE_MEM_MAX_BYTES", "1"),
        (URL, "redis://env"),
        (PASSWORD, "env"),
        ("HYBRID_CACHE_REDIS_TIMEOUT", "1"),
        ("HYBRID_CACHE_DISK_DIR", "/env"),
        ("HYBRID_CACHE_DISK_MAX_BYTES", "1"),
        ("HYBRID_CACHE_DISK_TIMEOUT", "1"),
    ]);
    builder()
        .enabled(false)
        .namespace("code")
        .layers("mem")
        .ttl(Duration::from_secs(2))
        .jitter(0.2)
        .wait(Duration::from_secs(2))
        .mem_capacity(2)
        .mem_max_bytes(2)
        .redis("redis://code")
        .redis_password("code")
        .redis_timeout(Duration::from_secs(2))
        .disk_dir("/code")
        .disk_max_bytes(2)
        .disk_timeout(Duration::from_secs(2))
        .settings(&environment)
        .unwrap()
}

#[test]
fn the_builder_is_stronger_than_the_environment_in_everything() {
    let settings = everything_set();

    let two_seconds = Duration::from_secs(2);
    assert!(!settings.enabled);
    assert_eq!(settings.namespace, "code");
    assert_eq!((settings.ttl, settings.wait, settings.mem_capacity), (two_seconds, two_seconds, 2));
    assert_eq!(settings.mem_max_bytes, Some(2));
    assert!((settings.jitter - 0.2).abs() < f64::EPSILON);
    let redis = settings.redis.unwrap();
    assert_eq!((redis.url.expose(), redis.timeout), ("redis://code", two_seconds));
    assert_eq!(redis.password.unwrap().expose(), "code");
    let disk = settings.disk.unwrap();
    assert_eq!((disk.dir.as_path(), disk.max_bytes, disk.timeout), (Path::new("/code"), 2, two_seconds));
}

#[test]
fn what_the_builder_leaves_open_comes_from_the_environment() {
    let environment = Environment::of([("HYBRID_CACHE_TTL", "7"), ("HYBRID_CACHE_NAMESPACE", "env")]);
    let settings = builder().namespace("code").settings(&environment).unwrap();

    assert_eq!(settings.ttl, Duration::from_secs(7));
    assert_eq!(settings.namespace, "code");
}

#[test]
fn the_environment_can_be_left_out() {
    let environment = Environment::of([
        ("HYBRID_CACHE_TTL", "7"),
        ("HYBRID_CACHE_WAIT", "nonsense"),
        ("HYBRID_CACHE_NO_SUCH_THING", "1"),
        ("HYBRID_CACHE_FN_PRODUCT_TTL", "7"),
        ("REDIS_URL", "redis://platform"),
    ]);
    let settings = builder().without_environment().settings(&environment).unwrap();

    assert_eq!(settings.ttl, Duration::from_mins(5));
    assert_eq!(settings.function("product").ttl, None);
    assert!(settings.redis.is_none());
    assert!(settings.disk.is_some(), "the directory of the platform is not a setting of ours");
}

#[test]
fn the_platforms_redis_variables_count_where_ours_say_nothing() {
    assert_eq!(redis(&[("REDIS_URL", "redis://p")]), with("redis://p", None));
    assert_eq!(redis(&[("REDIS_URL", "redis://p"), (URL, "redis://ours")]), with("redis://ours", None));
    assert_eq!(redis(&[("REDIS_URL", "redis://p"), ("REDIS_PASSWORD", "p")]), with("redis://p", Some("p")));
    assert_eq!(
        redis(&[(URL, "redis://ours"), ("REDIS_PASSWORD", "p"), (PASSWORD, "ours")]),
        with("redis://ours", Some("ours"))
    );
    assert_eq!(redis(&[("REDIS_PASSWORD", "p")]), None, "a password alone is no server");
}

#[test]
fn the_platforms_password_goes_to_the_platforms_server_and_to_no_other() {
    let platform = ("REDIS_PASSWORD", "of the platform");
    assert_eq!(redis(&[(URL, "redis://ours"), platform]), with("redis://ours", None));
    assert_eq!(redis(&[(URL, "redis://me@ours"), platform]), with("redis://me@ours", None));
    assert_eq!(
        redis(&[(URL, "redis://ours"), ("REDIS_URL", "redis://p"), platform]),
        with("redis://ours", None)
    );
    for others in
        [&[platform][..], &[platform, ("REDIS_URL", "redis://p")], &[platform, (URL, "redis://ours")]]
    {
        let settings =
            builder().redis("redis://code").settings(&Environment::of(others.iter().copied())).unwrap();
        let report = settings.report().to_string();
        assert_eq!(settings.redis.unwrap().password, None, "{others:?}");
        let line = report.lines().find(|line| line.starts_with("redis_password")).unwrap();
        assert!(line.contains("not set") && !line.contains("REDIS_PASSWORD"), "{line}");
    }
}

#[test]
fn a_password_of_ours_goes_to_the_server_that_is_used_whoever_named_it() {
    assert_eq!(redis(&[("REDIS_URL", "redis://p"), (PASSWORD, "ours")]), with("redis://p", Some("ours")));
    let settings = builder().redis("redis://code").settings(&Environment::of([(PASSWORD, "ours")])).unwrap();
    assert_eq!(settings.redis.unwrap().password.unwrap().expose(), "ours");
    let given =
        builder().redis_password("code").settings(&Environment::of([("REDIS_URL", "redis://p")])).unwrap();
    assert_eq!(given.redis.unwrap().password.unwrap().expose(), "code");
}

#[test]
fn a_password_inside_the_address_is_as_strong_as_the_address() {
    let ours = "redis://:inside@ours";
    assert_eq!(redis(&[(URL, ours), ("REDIS_PASSWORD", "p")]), with(ours, None));
    assert_eq!(redis(&[(URL, ours), (PASSWORD, "separate")]), with(ours, Some("separate")));
    let platform = "redis://:inside@platform";
    assert_eq!(redis(&[("REDIS_URL", platform), ("REDIS_PASSWORD", "p")]), with(platform, Some("p")));
    assert_eq!(redis(&[("REDIS_URL", platform), (PASSWORD, "ours")]), with(platform, Some("ours")));

    let environment = Environment::of([(PASSWORD, "of another server")]);
    let settings = builder().redis("redis://:inside@code").settings(&environment).unwrap();
    assert_eq!(settings.redis.unwrap().password, None);
}

#[test]
fn the_platforms_address_is_not_judged_where_it_does_not_count() {
    let environment = Environment::of([("REDIS_URL", "sentinel://somewhere")]);
    assert!(builder().redis("redis://code").settings(&environment).is_ok());
    assert!(settings_from(&[("REDIS_URL", "sentinel://somewhere"), (URL, "redis://ours")]).is_ok());
    assert!(settings_from(&[("REDIS_URL", "sentinel://somewhere")]).is_err());
}

#[test]
fn an_address_of_ours_that_makes_no_sense_does_not_hand_over_to_the_platforms() {
    let environment = Environment::of([(URL, "nonsense"), ("REDIS_URL", "redis://platform")]);
    assert!(Settings::at_first_use(&environment).redis.is_none());
}

#[test]
fn without_a_directory_for_caches_the_disk_layer_needs_one_named() {
    assert!(builder().settings(&Environment::without_cache_dir()).unwrap().disk.is_none());
    let disk = builder().disk_dir("/here").settings(&Environment::without_cache_dir()).unwrap().disk;
    assert_eq!(disk.unwrap().dir, Path::new("/here"));
}

#[test]
fn a_directory_that_is_not_a_whole_path_is_one_below_the_directory_of_now() {
    for settings in [
        builder().disk_dir("below/here").settings(&Environment::without_cache_dir()),
        settings_from(&[("HYBRID_CACHE_DISK_DIR", "below/here")]),
    ] {
        let dir = settings.unwrap().disk.unwrap().dir;
        assert_eq!(dir, std::env::current_dir().unwrap().join("below/here"));
    }
}

#[test]
fn the_report_says_who_said_what() {
    let environment = Environment::of([
        ("HYBRID_CACHE_TTL", "90"),
        ("REDIS_URL", "redis://me:secret@localhost:6379/0"),
        ("REDIS_PASSWORD", "secret"),
        ("HYBRID_CACHE_FN_CATALOG_PRODUCT_TTL", "1h"),
        ("HYBRID_CACHE_FN_CATALOG_PRODUCT_ENABLED", "off"),
    ]);
    let settings = builder().namespace("shop").settings(&environment).unwrap();
    let engine = settings.report().to_string().lines().nth(15).unwrap().to_owned();

    assert!(engine.starts_with("disk_engine"), "{engine}");
    assert_eq!(
        settings.report().to_string().replace(&engine, "…"),
        "\
enabled                     true                                  (from: default)
namespace                   shop                                  (from: builder)
layers                      mem                                   (from: default)
ttl                         1m 30s                                (from: HYBRID_CACHE_TTL)
jitter                      0.05                                  (from: default)
wait                        30s                                   (from: default)
mem_capacity                10000                                 (from: default)
mem_max_bytes               not set                               (from: default)
eviction                    s3fifo                                (from: default)
redis                       redis://me:***@localhost:6379/0       (from: REDIS_URL)
redis_password              ***                                   (from: REDIS_PASSWORD)
redis_timeout               250ms                                 (from: default)
disk_dir                    /platform/cache/hybrid-cache/program  (from: default)
disk_max_bytes              1.0 GiB                               (from: default)
disk_timeout                50ms                                  (from: default)
…
enabled of CATALOG_PRODUCT  false                                 (from: HYBRID_CACHE_FN_CATALOG_PRODUCT_ENABLED)
ttl of CATALOG_PRODUCT      1h                                    (from: HYBRID_CACHE_FN_CATALOG_PRODUCT_TTL)"
    );
}

#[test]
fn the_report_says_where_a_password_that_is_not_used_went() {
    let settings = settings_from(&[(URL, "redis://:inside@host"), ("REDIS_PASSWORD", "other")]).unwrap();
    let report = settings.report().to_string();
    let line = report.lines().find(|line| line.starts_with("redis_password")).unwrap();
    assert!(
        line.contains("*** (in the address)") && line.ends_with("(from: HYBRID_CACHE_REDIS_URL)"),
        "{line}"
    );
}

#[test]
fn the_real_environment_gives_settings() {
    // Whatever is set where the tests run; only that it can be read at all.
    let settings = builder().without_environment().settings(&Environment::of_process()).unwrap();
    assert!(settings.disk.is_none_or(|disk| disk.dir.is_absolute()));
}
