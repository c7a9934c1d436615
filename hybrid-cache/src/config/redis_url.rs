//! Addresses of Redis servers: which are accepted, and what of one may be shown.
//!
//! Showing works by permission: parts that are certainly not secret are copied, and an address with anything
//! unexpected in it is not shown at all. A parser that guesses where a password ends would show the rest of it.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    secret::Secret,
    values::{Reason, Written},
};

const OVER_TCP: [&str; 4] = ["redis", "rediss", "valkey", "valkeys"];
const OVER_A_SOCKET: [&str; 3] = ["unix", "redis+unix", "valkey+unix"];

/// What is shown of an address that holds anything unexpected.
const HIDDEN: &str = "***";

/// The address of a Redis server, with or without a password in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct RedisUrl(pub(super) Secret);

impl Written for RedisUrl {
    const WRITE: &'static str = "redis://[user:password@]host[:port][/database], the same with rediss:// for TLS, \
                                 or unix:///path/of/the.sock";
    const SECRET: bool = true;

    fn show(&self) -> String {
        redacted(&self.0)
    }
}

impl RedisUrl {
    pub(super) fn new(url: &str) -> Result<Self, Reason> {
        let url = url.trim();
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        if !OVER_TCP.contains(&scheme) && !OVER_A_SOCKET.contains(&scheme) {
            return Err(
                "has an unknown scheme (known: redis, rediss, valkey, valkeys, unix, redis+unix, valkey+unix)",
            );
        }
        let (plain, tls) = without_tls(url);
        if tls && url.ends_with("#insecure") {
            return Err(
                "asks for TLS without a look at the certificate (`#insecure`), which is not supported; leave that away, \
                        and where the machine does not know the server's authority, name it in SSL_CERT_FILE",
            );
        }
        if !is_understood(&plain) || tls && url.contains('#') {
            return Err("is not an address the Redis client understands");
        }
        if tls {
            check_tls()?;
        }
        Ok(Self(Secret::new(url)))
    }

    /// Whether the address brings a password of its own.
    pub(super) fn has_password(&self) -> bool {
        let Some((scheme, rest)) = self.0.expose().split_once(':') else { return false };
        if OVER_A_SOCKET.contains(&scheme) {
            let query = rest.split_once('?').map_or("", |(_, query)| query);
            return query
                .split(['&', '#'])
                .any(|pair| pair.len() > "pass=".len() && pair.starts_with("pass="));
        }
        let authority = rest.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .and_then(|(login, _)| login.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
    }
}

impl TryFrom<String> for RedisUrl {
    type Error = Reason;

    fn try_from(text: String) -> Result<Self, Reason> {
        Self::new(&text)
    }
}

/// The same address without TLS, and whether it asks for TLS, which is not the client library's business.
pub(crate) fn without_tls(url: &str) -> (Cow<'_, str>, bool) {
    for (with, without) in [("rediss:", "redis:"), ("valkeys:", "valkey:")] {
        if let Some(rest) = url.strip_prefix(with) {
            return (format!("{without}{rest}").into(), true);
        }
    }
    (url.into(), false)
}

/// Whether there is TLS to be had.
#[cfg(feature = "redis-tls")]
fn check_tls() -> Result<(), Reason> {
    use crate::layers::redis::{NO_TLS_PROVIDER, tls};
    tls::provider().map(drop).ok_or(NO_TLS_PROVIDER)
}

#[cfg(all(feature = "redis", not(feature = "redis-tls")))]
fn check_tls() -> Result<(), Reason> {
    Err(crate::layers::redis::NO_TLS)
}

/// Without the layer nobody will connect to it.
#[cfg(not(feature = "redis"))]
#[expect(clippy::unnecessary_wraps, reason = "with the layer, it can fail")]
fn check_tls() -> Result<(), Reason> {
    Ok(())
}

/// Asks the client library; nothing is connected.
#[cfg(feature = "redis")]
fn is_understood(url: &str) -> bool {
    // Its error is dropped: it may quote the address.
    redis::IntoConnectionInfo::into_connection_info(url).is_ok()
}

/// Without the layer nobody will connect to it.
#[cfg(not(feature = "redis"))]
fn is_understood(_: &str) -> bool {
    true
}

/// The address as it may be shown: `redis://user:***@host:6379/0`, or `***` as a whole.
pub(super) fn redacted(url: &Secret) -> String {
    shown(url.expose()).unwrap_or_else(|| HIDDEN.to_owned())
}

fn shown(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    if OVER_A_SOCKET.contains(&scheme) {
        return shown_socket(scheme, rest);
    }
    if !OVER_TCP.contains(&scheme) {
        return None;
    }
    let rest = rest.strip_prefix("//")?;
    let (rest, fragment) = split_off(rest, '#');
    let (rest, query) = split_off(rest, '?');
    let (authority, database) = split_off(rest, '/');
    let (login, server) = match authority.rsplit_once('@') {
        Some((login, server)) => (format!("{}@", shown_login(login)), server),
        None => (String::new(), authority),
    };
    let fragment = match fragment {
        None => "",
        Some("insecure") => "#insecure",
        Some(_) => return None,
    };
    let database = match database {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => format!("/{number}"),
        Some(_) => return None,
        None => String::new(),
    };
    let (server, query) = (shown_server(server)?, shown_query(query)?);
    Some(format!("{scheme}://{login}{server}{database}{query}{fragment}"))
}

fn shown_socket(scheme: &str, rest: &str) -> Option<String> {
    let (path, query) = split_off(rest, '?');
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !path.starts_with('/') || !path.chars().all(harmless) {
        return None;
    }
    Some(format!("{scheme}:{path}{}", shown_query(query)?))
}

fn split_off(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The user's name, if it cannot be anything else. A lone word before the `@` is often a password that lacks its colon.
fn shown_login(login: &str) -> String {
    match login.split_once(':') {
        Some((user, _)) if user.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) => {
            format!("{user}:{HIDDEN}")
        }
        _ => HIDDEN.to_owned(),
    }
}

fn shown_server(server: &str) -> Option<&str> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            if !address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b)) {
                return None;
            }
            (address, port)
        }
        None => server.find(':').map_or((server, ""), |colon| server.split_at(colon)),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:".contains(&b);
    let port_is_a_number =
        port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    (!host.is_empty() && host.bytes().all(plain) && port_is_a_number).then_some(server)
}

/// `db` and `protocol` as they are, the values of `user` and `pass` hidden, nothing else.
fn shown_query(query: Option<&str>) -> Option<String> {
    let Some(query) = query else { return Some(String::new()) };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key @ ("db" | "protocol"), value)) if value.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Some(format!("{key}={value}"))
        }
        Some((key @ ("user" | "pass"), _)) => Some(format!("{key}={HIDDEN}")),
        _ => None,
    });
    Some(format!("?{}", pairs.collect::<Option<Vec<_>>>()?.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(url: &str) -> String {
        redacted(&Secret::new(url))
    }

    #[test]
    fn everything_but_the_password_is_shown() {
        assert_eq!(show("redis://user:hunter2@host:6379/0"), "redis://user:***@host:6379/0");
        assert_eq!(
            show("rediss://:hunter2@cache.example.com#insecure"),
            "rediss://:***@cache.example.com#insecure"
        );
        assert_eq!(show("redis://localhost"), "redis://localhost");
        assert_eq!(show("redis://localhost:6379/"), "redis://localhost:6379/");
        assert_eq!(show("valkey://[::1]:7000/3?protocol=resp3"), "valkey://[::1]:7000/3?protocol=resp3");
        assert_eq!(show("redis://user:a%40b:c@host"), "redis://user:***@host");
        assert_eq!(show("redis://:p@ss@host:6379"), "redis://:***@host:6379");
    }

    #[test]
    fn a_word_without_a_colon_before_the_host_is_taken_for_a_password() {
        assert_eq!(show("redis://hunter2@host"), "redis://***@host");
    }

    #[test]
    fn the_password_of_a_socket_is_hidden() {
        assert_eq!(
            show("unix:///run/redis.sock?db=1&pass=hunter2&user=me"),
            "unix:///run/redis.sock?db=1&pass=***&user=***"
        );
        assert_eq!(show("redis+unix:///run/redis.sock"), "redis+unix:///run/redis.sock");
        assert_eq!(show("unix:/run/redis.sock"), "unix:/run/redis.sock");
    }

    #[test]
    fn an_address_with_anything_unexpected_is_not_shown_at_all() {
        for url in [
            "redis://user:pa/ss@host",
            "redis://user:1234/5@host",
            "redis://user:12#34@host",
            "redis://user:12?34@host",
            "redis://user:hunter2",
            "redis://host/hunter2",
            "redis://host?pass%77ord=hunter2",
            "redis://host?p%61ss=hunter2",
            "redis://host#hunter2",
            "redis://host?db=hunter-2",
            "redis://ho st:hunter2",
            "redis:hunter2",
            "redis:/hunter2",
            "redis:///hunter2",
            "unix:hunter2",
            "unix:///run/x.sock?pw=hunter2",
            "unix:///run/x.sock#hunter2",
            "unix:///run/x%20hunter2.sock",
            "redis://[hunter2]",
            "redis://[::1]hunter2",
            "redis://host:hunter2",
            "http://user:hunter2@host",
            "hunter2",
            "REDIS://user:hunter2@host",
            ":",
            "",
        ] {
            assert_eq!(show(url), "***", "{url}");
        }
    }

    #[test]
    fn it_is_known_whether_an_address_brings_its_password() {
        let brings = |url| RedisUrl::new(url).unwrap().has_password();
        assert!(brings("redis://user:secret@host"));
        assert!(brings("redis://:secret@host/1"));
        assert!(brings("unix:///run/redis.sock?db=1&pass=secret"));
        assert!(!brings("redis://host:6379"));
        assert!(!brings("redis://user@host:6379"));
        assert!(!brings("unix:///run/redis.sock?db=1"));
    }

    #[test]
    fn all_schemes_of_the_client_are_accepted_and_no_others() {
        for url in
            ["redis://h", "valkey://h", "unix:///s", "redis+unix:///s", "valkey+unix:///s", " redis://h\n"]
        {
            assert!(RedisUrl::new(url).is_ok(), "{url}");
        }
        for url in ["http://h", "redis", "", "sentinel://h", "localhost:6379", "redis-sentinel://h"] {
            assert!(RedisUrl::new(url).unwrap_err().contains("unknown scheme"), "{url}");
        }
    }

    #[test]
    #[cfg(all(feature = "redis", not(feature = "redis-tls")))]
    fn an_address_that_asks_for_tls_names_the_features_where_there_is_none() {
        for url in ["rediss://h", "valkeys://user:pw@h:6380/1"] {
            let reason = RedisUrl::new(url).unwrap_err();
            for feature in ["`redis-tls-ring`", "`redis-tls-aws-lc`", "`redis-tls`"] {
                assert!(reason.contains(feature), "{url}: {reason}");
            }
        }
    }

    #[test]
    #[cfg(all(feature = "redis-tls", not(any(feature = "redis-tls-ring", feature = "redis-tls-aws-lc"))))]
    fn tls_without_cryptography_is_refused_before_anything_connects() {
        let reason = RedisUrl::new("rediss://h").unwrap_err();
        assert!(reason.contains("no cryptography") && reason.contains("`redis-tls-ring`"), "{reason}");
    }

    #[test]
    #[cfg(any(feature = "redis-tls-ring", feature = "redis-tls-aws-lc", not(feature = "redis")))]
    fn tls_is_accepted_where_there_is_some() {
        for url in ["rediss://h", "valkeys://user:pw@h:6380/1"] {
            assert!(RedisUrl::new(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn tls_without_a_look_at_the_certificate_is_refused_and_not_tried_in_vain() {
        for url in ["rediss://h#insecure", "valkeys://user:pw@h/1#insecure"] {
            let reason = RedisUrl::new(url).unwrap_err();
            assert!(reason.contains("#insecure") && reason.contains("SSL_CERT_FILE"), "{url}: {reason}");
        }
    }

    #[test]
    #[cfg(feature = "redis")]
    fn what_the_client_would_not_understand_is_refused() {
        for url in ["redis://", "redis://host/database", "redis://host:port", "unix:"] {
            assert_eq!(
                RedisUrl::new(url).unwrap_err(),
                "is not an address the Redis client understands",
                "{url}"
            );
        }
    }
}
