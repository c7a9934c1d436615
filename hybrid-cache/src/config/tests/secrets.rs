//! A password never shows, whatever is printed.

use std::{
    fmt::{Debug, Display},
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use crate::config::{
    Environment, Settings,
    builder::{Builder, builder},
    error::ConfigError,
    setting::Setting,
};

/// The password as it is, and as it stands in an address; the parts a careless parser would leave over.
const PASSWORD: &str = "hunter2@/:#?%swordfish";
const ENCODED: &str = "hunter2%40%2F%3A%23%3F%25swordfish";
const TELLTALES: [&str; 2] = ["hunter2", "swordfish"];

/// Addresses with the password in them, good and bad.
fn addresses() -> Vec<String> {
    let mut addresses = Vec::new();
    for password in [PASSWORD, ENCODED, "hunter2", "swordfish"] {
        for address in [
            "redis://user:PW@host:6379/0",
            "redis://:PW@host",
            "redis://PW@host",
            "rediss://user:PW@host:6380#insecure",
            "valkey://user:PW@[::1]:6379",
            "unix:///run/redis.sock?pass=PW&db=1",
            "redis+unix:///run/redis.sock?user=me&pass=PW",
            "unix:///run/redis.sock?password=PW",
            "redis://user:PW",
            "redis://user:PW@host:port",
            "redis://user:PW@host/zero",
            "redis://host:6379/PW",
            "redis://host:6379?password=PW",
            "redis://host:6379#PW",
            "redis:PW",
            "rdeis://user:PW@host",
            "http://user:PW@host",
            "user:PW@host:6379",
            "PW@host",
            "PW",
        ] {
            addresses.push(address.replace("PW", password));
        }
    }
    addresses
}

#[track_caller]
fn assert_silent(text: &str) {
    let lower = text.to_lowercase();
    for telltale in TELLTALES {
        assert!(!lower.contains(telltale), "shows `{telltale}`: {text}");
    }
}

#[track_caller]
fn assert_hidden_in(value: &(impl Debug + ?Sized)) {
    assert_silent(&format!("{value:?}"));
    assert_silent(&format!("{value:#?}"));
}

#[track_caller]
fn assert_never_shown(value: &(impl Debug + Display + ?Sized)) {
    assert_hidden_in(value);
    assert_silent(&value.to_string());
    assert_silent(&format!("{value:#}"));
}

/// Prints everything there is to print of these settings.
#[track_caller]
fn assert_all_silent(settings: &Settings) {
    assert_hidden_in(settings);
    assert_never_shown(&settings.report());
    if let Some(redis) = &settings.redis {
        assert_hidden_in(redis);
        assert_never_shown(&redis.url);
        if let Some(password) = &redis.password {
            assert_never_shown(password);
        }
    }
}

#[track_caller]
fn assert_outcome_silent(builder: Builder, environment: &Environment) {
    assert_hidden_in(&builder);
    match builder.settings(environment) {
        Ok(settings) => assert_all_silent(&settings),
        Err(error) => {
            assert_never_shown(&error);
            assert!(std::error::Error::source(&error).is_none(), "a source might quote the address");
            let ConfigError::Invalid { problems } = error else { panic!("{error}") };
            for problem in &problems {
                assert_never_shown(problem);
            }
        }
    }
}

#[test]
fn in_an_address_from_the_environment() {
    for address in addresses() {
        for variable in ["HYBRID_CACHE_REDIS_URL", "REDIS_URL"] {
            let environment = Environment::of([(variable, address.as_str())]);
            assert_outcome_silent(builder(), &environment);
            assert_all_silent(&Settings::at_first_use(&environment));
        }
    }
}

#[test]
fn in_an_address_given_to_the_builder() {
    for address in addresses() {
        assert_outcome_silent(builder().redis(address), &Environment::of::<&str, &str>([]));
    }
}

#[test]
fn as_a_setting_of_its_own() {
    for password in [PASSWORD, ENCODED] {
        let url = ("HYBRID_CACHE_REDIS_URL", "redis://host");
        for variable in ["HYBRID_CACHE_REDIS_PASSWORD", "REDIS_PASSWORD"] {
            assert_outcome_silent(builder(), &Environment::of([url, (variable, password)]));
        }
        assert_outcome_silent(builder().redis_password(password), &Environment::of([url]));
    }
}

#[test]
fn in_a_variable_whose_name_was_mistyped() {
    for name in ["HYBRID_CACHE_REDIS_PASWORD", "HYBRID_CACHE_PASSWORD", "HYBRID_CACHE_FN_REDIS_PASSWORD"] {
        assert_outcome_silent(builder(), &Environment::of([(name, PASSWORD)]));
    }
}

#[test]
fn in_an_address_that_ended_up_in_another_variable() {
    for variable in Setting::ALL.map(Setting::variable).into_iter().chain(["HYBRID_CACHE_FN_PRODUCT_TTL"]) {
        for address in ["redis://u:hunter2@h", "unix:///s?pass=swordfish"] {
            assert_outcome_silent(builder(), &Environment::of([(variable, address)]));
        }
    }
}

#[test]
fn in_a_login_that_ended_up_in_another_variable() {
    for variable in ["HYBRID_CACHE_REDIS_TIMEOUT", "HYBRID_CACHE_NAMESPACE", "HYBRID_CACHE_DISK_ENGINE"] {
        assert_outcome_silent(builder(), &Environment::of([(variable, "u:hunter2@h")]));
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What `action` logs in this thread.
    fn of(action: impl FnOnce()) -> String {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, action);
        let bytes = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn in_the_log() {
    let log = Log::of(|| {
        for address in addresses() {
            Settings::at_first_use(&Environment::of([
                ("HYBRID_CACHE_REDIS_URL", address.as_str()),
                ("HYBRID_CACHE_REDIS_PASWORD", PASSWORD),
            ]));
        }
    });
    assert_silent(&log);
    assert!(log.contains("HYBRID_CACHE_REDIS_URL: the value has an unknown scheme"), "{log}");
}

#[test]
fn a_first_use_without_install_logs_every_problem_and_the_valid_names() {
    let log = Log::of(|| {
        Settings::at_first_use(&Environment::of([("HYBRID_CACHE_TTL", "soon"), ("HYBRID_CACHE_TLT", "5")]));
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines.iter().all(|line| line.contains("WARN")), "{log}");
    assert!(
        lines[0].contains("HYBRID_CACHE_TLT: there is no such variable; did you mean HYBRID_CACHE_TTL?"),
        "{log}"
    );
    assert!(lines[1].contains("HYBRID_CACHE_TTL: \"soon\" is not a duration"), "{log}");
    assert!(lines[2].contains("known variables: HYBRID_CACHE_ENABLED, "), "{log}");
}

#[test]
fn a_first_use_with_good_settings_logs_nothing() {
    let log = Log::of(|| {
        Settings::at_first_use(&Environment::of([("HYBRID_CACHE_TTL", "5")]));
    });
    assert_eq!(log, "");
}
