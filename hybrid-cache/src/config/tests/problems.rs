//! What is said of settings that cannot be used, and what is in force then.

use std::time::Duration;

use super::{problem_of, problems_of, settings_from};
use crate::config::{
    Environment, Settings,
    builder::builder,
    error::{ConfigError, Problem},
    setting::Setting,
};

#[test]
fn all_problems_are_reported_together() {
    let environment = Environment::of([
        ("HYBRID_CACHE_TTL", "5 parsecs"),
        ("HYBRID_CACHE_WAIT", "0"),
        ("HYBRID_CACHE_FN_PRODUCT_TTL", "never"),
        ("HYBRID_CACHE_TLT", "5"),
        ("HYBRID_CACHE_COLOUR", "red"),
        ("UNRELATED", "5 parsecs"),
    ]);
    let error = builder().jitter(2.0).settings(&environment).unwrap_err();

    let known = Setting::ALL.map(Setting::variable).join(", ");
    assert_eq!(
        error.to_string(),
        format!(
            "\
6 cache settings cannot be used:
  HYBRID_CACHE_TLT: there is no such variable; did you mean HYBRID_CACHE_TTL?
  HYBRID_CACHE_COLOUR: there is no such variable
  HYBRID_CACHE_FN_PRODUCT_TTL: \"never\" is not a duration; write seconds (300) or a time with units (\"250ms\", \"5m\", \"1h30m\", \"1d\")
  HYBRID_CACHE_TTL: \"5 parsecs\" is not a duration; write seconds (300) or a time with units (\"250ms\", \"5m\", \"1h30m\", \"1d\")
  jitter: the value given to the builder is out of range; write a fraction from 0.0 to below 1.0 (0.05)
  HYBRID_CACHE_WAIT: \"0\" is no time at all; write seconds (300) or a time with units (\"250ms\", \"5m\", \"1h30m\", \"1d\")
known variables: {known}, HYBRID_CACHE_FN_<NAME>_{{ENABLED,TTL,LAYERS}}"
        )
    );
}

#[test]
fn a_single_problem_is_said_in_the_singular_and_without_the_list_of_names() {
    let error = settings_from(&[("HYBRID_CACHE_JITTER", "2")]).unwrap_err().to_string();
    assert_eq!(
        error,
        "a cache setting cannot be used:\n  HYBRID_CACHE_JITTER: \"2\" is out of range; \
         write a fraction from 0.0 to below 1.0 (0.05)"
    );
}

#[test]
fn everything_wrong_in_the_builder_is_found() {
    let wrong = builder()
        .namespace("")
        .layers("")
        .ttl(Duration::ZERO)
        .jitter(f64::NAN)
        .wait(Duration::ZERO)
        .mem_capacity(0)
        .mem_max_bytes(0)
        .redis("")
        .redis_password("")
        .redis_timeout(Duration::ZERO)
        .disk_dir("")
        .disk_max_bytes(0)
        .disk_timeout(Duration::ZERO);
    let Err(ConfigError::Invalid { problems }) = wrong.settings(&Environment::of::<&str, &str>([])) else {
        panic!("accepted")
    };

    let names: Vec<_> = problems.iter().map(Problem::name).collect();
    let all_but =
        |setting: &Setting| !matches!(setting, Setting::Enabled | Setting::Eviction | Setting::DiskEngine);
    let expected: Vec<_> = Setting::ALL.into_iter().filter(all_but).map(Setting::name).collect();
    assert_eq!(names, expected);
}

#[test]
fn a_variable_that_the_builder_outranks_is_still_looked_at() {
    let environment = Environment::of([("HYBRID_CACHE_TTL", "nonsense")]);
    assert!(builder().ttl(Duration::from_secs(1)).settings(&environment).is_err());
}

#[test]
fn a_bad_value_falls_to_its_default_and_the_rest_stays_in_force() {
    let environment = Environment::of([
        ("HYBRID_CACHE_TTL", "nonsense"),
        ("HYBRID_CACHE_WAIT", "7"),
        ("HYBRID_CACHE_NAMESPACE", "a:b"),
        ("HYBRID_CACHE_NONSENSE", "1"),
    ]);
    let settings = Settings::at_first_use(&environment);

    assert_eq!(settings.ttl, Duration::from_mins(5));
    assert_eq!(settings.wait, Duration::from_secs(7));
    assert_eq!(settings.namespace, "hc");
}

#[test]
fn an_unknown_name_gets_the_nearest_known_one() {
    for (unknown, meant) in [
        ("HYBRID_CACHE_TLT", "HYBRID_CACHE_TTL"),
        ("HYBRID_CACHE_LAYER", "HYBRID_CACHE_LAYERS"),
        ("HYBRID_CACHE_REDIS", "HYBRID_CACHE_REDIS_URL"),
        ("HYBRID_CACHE_REDISURL", "HYBRID_CACHE_REDIS_URL"),
        ("HYBRID_CACHE_REDIS_PASS", "HYBRID_CACHE_REDIS_PASSWORD"),
        ("HYBRID_CACHE_CAPACITY", "HYBRID_CACHE_MEM_CAPACITY"),
        ("HYBRID_CACHE_MAX_BYTES", "HYBRID_CACHE_MEM_MAX_BYTES"),
        ("HYBRID_CACHE_DISK_PATH", "HYBRID_CACHE_DISK_DIR"),
        ("HYBRID_CACHE_ENABLE", "HYBRID_CACHE_ENABLED"),
        ("HYBRID_CACHE_ttl", "HYBRID_CACHE_TTL"),
    ] {
        let problem = problem_of(unknown, "1");
        assert!(problem.ends_with(&format!("; did you mean {meant}?")), "{problem}");
    }
    for hopeless in ["HYBRID_CACHE_", "HYBRID_CACHE_COLOUR", "HYBRID_CACHE_é", "HYBRID_CACHE_Z"] {
        assert!(problem_of(hopeless, "1").ends_with("there is no such variable"));
    }
}

#[test]
fn an_unknown_name_is_reported_even_when_it_is_empty() {
    assert_eq!(problems_of(&[("HYBRID_CACHE_TLT", "")]).len(), 1);
}

#[test]
fn variables_of_others_are_none_of_our_business() {
    let others = [("HYBRID_CACHES_TTL", "x"), ("hybrid_cache_ttl", "x"), ("TTL", "x"), ("HYBRID_CACHE", "x")];
    assert_eq!(problems_of(&others), Vec::<String>::new());
}

#[test]
fn a_second_install_is_told_what_to_do() {
    let message = ConfigError::AlreadyInUse.to_string();
    assert!(
        message.contains("already has its settings") && message.contains("call `install()` once"),
        "{message}"
    );
}

#[cfg(unix)]
mod values_that_are_not_text {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    use super::*;

    #[test]
    fn are_problems_and_do_not_take_the_others_with_them() {
        let broken = || OsString::from_vec(b"hunter2\xff".to_vec());
        let environment = Environment::of([
            ("HYBRID_CACHE_REDIS_PASSWORD", broken()),
            ("HYBRID_CACHE_DISK_DIR", broken()),
            ("UNRELATED", broken()),
            ("HYBRID_CACHE_TTL", "7".into()),
        ]);

        let error = builder().settings(&environment).unwrap_err().to_string();

        assert!(error.contains("HYBRID_CACHE_REDIS_PASSWORD: the value is not valid UTF-8"), "{error}");
        assert!(error.contains("HYBRID_CACHE_DISK_DIR: the value is not valid UTF-8"), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("UNRELATED"), "{error}");
        assert_eq!(Settings::at_first_use(&environment).ttl, Duration::from_secs(7));
    }

    #[test]
    fn are_no_problem_in_names_of_others() {
        let name = OsString::from_vec(b"HYBRID_CACHE_\xff".to_vec());
        assert!(builder().settings(&Environment::of([(name, "1")])).is_ok());
    }
}
