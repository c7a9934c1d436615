//! The builder over the environment over the defaults: which value of each setting is in force, and who said it.
//!
//! A value that cannot be used becomes a problem, and the next in line takes its place.

use std::{path::PathBuf, time::Duration};

use super::{
    DiskSettings, Eviction, RedisSettings, Settings,
    builder::{Builder, DiskGiven, RedisGiven},
    environment::{Environment, Variables},
    error::{ConfigError, Problem, warn_about},
    functions::FunctionOverrides,
    redis_url::RedisUrl,
    report::{Line, Origin},
    secret::Password,
    setting::Setting,
    values::{
        ByteLimit, Directory, Engine, EntryLimit, Evicts, Jitter, LayerList, Namespace, Reason, Span, Written,
    },
};
use crate::error::LayerKind;

impl Settings {
    /// For a process that never called `install()`: what the environment says, and where it makes no sense the
    /// default, said in the log. To be called once.
    pub(crate) fn at_first_use(environment: &Environment) -> Self {
        let (settings, problems) = Builder::default().resolve(environment);
        warn_about(&problems);
        settings
    }
}

impl Builder {
    /// The settings in force, or everything that is wrong with them.
    pub(crate) fn settings(self, environment: &Environment) -> Result<Settings, ConfigError> {
        let (settings, problems) = self.resolve(environment);
        if problems.is_empty() { Ok(settings) } else { Err(ConfigError::Invalid { problems }) }
    }

    fn resolve(self, environment: &Environment) -> (Settings, Vec<Problem>) {
        let (variables, mut problems) =
            if self.without_environment { (Variables::none(), Vec::new()) } else { environment.variables() };
        let (functions, of_functions) = FunctionOverrides::read(&variables);
        problems.extend(of_functions);
        let mut pick = Pick { variables, lines: Vec::new(), problems };

        let settings = Settings {
            enabled: pick.or(true, Setting::Enabled, self.enabled.map(Ok)),
            namespace: pick
                .or(Namespace("hc".to_owned()), Setting::Namespace, self.namespace.map(Namespace::new))
                .0,
            layers: pick
                .or(LayerList(vec![LayerKind::Memory]), Setting::Layers, self.layers.map(LayerList::try_from))
                .0,
            ttl: pick.or(seconds(300), Setting::Ttl, self.ttl.map(Span::new)).0,
            jitter: pick.or(Jitter(0.05), Setting::Jitter, self.jitter.map(Jitter::new)).0,
            wait: pick.or(seconds(30), Setting::Wait, self.wait.map(Span::new)).0,
            mem_capacity: pick
                .or(EntryLimit(10_000), Setting::MemCapacity, self.mem_capacity.map(EntryLimit::new))
                .0,
            mem_max_bytes: pick
                .or_none(Setting::MemMaxBytes, self.mem_max_bytes.map(ByteLimit::new))
                .map(|(limit, _)| limit.0),
            eviction: pick.or(Evicts(Eviction::S3Fifo), Setting::Eviction, self.eviction.map(Evicts::new)).0,
            redis: pick.redis(self.redis),
            disk: pick.disk(self.disk, environment.default_dir()),
            carriers: self.carriers,
            functions,
            lines: pick.lines,
        };
        (settings, pick.problems)
    }
}

const fn seconds(number: u64) -> Span {
    Span(Duration::from_secs(number))
}

const fn milliseconds(number: u64) -> Span {
    Span(Duration::from_millis(number))
}

/// Picks the value in force of one setting after the other, and keeps account.
struct Pick {
    variables: Variables,
    lines: Vec<Line>,
    problems: Vec<Problem>,
}

impl Pick {
    /// What the builder says, else what the environment says, else `default`.
    fn or<T: Written>(&mut self, default: T, setting: Setting, given: Option<Result<T, Reason>>) -> T {
        let (value, origin) = self.said(setting, given).unwrap_or((default, Origin::Default));
        self.lines.push(Line { setting, value: value.show(), origin });
        value
    }

    /// The same for a setting that need not have a value.
    fn or_none<T: Written>(
        &mut self,
        setting: Setting,
        given: Option<Result<T, Reason>>,
    ) -> Option<(T, Origin)> {
        let said = self.said(setting, given);
        self.lines.push(match &said {
            Some((value, origin)) => Line { setting, value: value.show(), origin: *origin },
            None => Line { setting, value: "not set".to_owned(), origin: Origin::Default },
        });
        said
    }

    fn said<T: Written>(
        &mut self,
        setting: Setting,
        given: Option<Result<T, Reason>>,
    ) -> Option<(T, Origin)> {
        // Looked at even where the builder is stronger: a mistake in it should not wait for the day it matters.
        let variable = setting.variable();
        let is_set = self.variables.names().any(|name| name == variable);
        let ours = self.read(variable).map(|value| (value, Origin::Variable(variable)));
        match given {
            Some(Ok(value)) => return Some((value, Origin::Builder)),
            Some(Err(reason)) => self.problems.push(Problem::value(
                setting.name(),
                format!("the value given to the builder {reason}; write {}", T::WRITE),
            )),
            None => {}
        }
        // A variable that is set and makes no sense does not hand over to the platform's: that one may be about
        // another server altogether.
        if is_set {
            return ours;
        }
        let fallback = setting.fallback()?;
        Some((self.read(fallback)?, Origin::Fallback(fallback)))
    }

    fn read<T: Written>(&mut self, variable: &str) -> Option<T> {
        match self.variables.read(variable)? {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// Another setting turned out to decide this one.
    fn redirect(&mut self, setting: Setting, value: &str, origin: Origin) {
        for line in self.lines.iter_mut().filter(|line| line.setting == setting) {
            value.clone_into(&mut line.value);
            line.origin = origin;
        }
    }

    fn redis(&mut self, given: RedisGiven) -> Option<RedisSettings> {
        let url = self.or_none(Setting::RedisUrl, given.url.map(|url| RedisUrl::new(url.expose())));
        let password = self.or_none(Setting::RedisPassword, given.password.map(Password::new));
        let timeout = self.or(milliseconds(250), Setting::RedisTimeout, given.timeout.map(Span::new));

        let (url, said_url) = url?;
        // A password belongs to the address it came with. So one that is inside the address is displaced by none that
        // is said less strongly, and the platform's own is for the platform's server: another one is not told it.
        let password = password.filter(|(_, said_password)| match (said_password, said_url) {
            (Origin::Fallback(_), Origin::Fallback(_)) => true,
            (Origin::Fallback(_), _) => false,
            _ => !url.has_password() || said_password.strength() >= said_url.strength(),
        });
        if password.is_none() {
            let (value, origin) = if url.has_password() {
                ("*** (in the address)", said_url)
            } else {
                ("not set", Origin::Default)
            };
            self.redirect(Setting::RedisPassword, value, origin);
        }
        Some(RedisSettings {
            url: url.0,
            password: password.map(|(Password(password), _)| password),
            timeout: timeout.0,
        })
    }

    fn disk(&mut self, given: DiskGiven, default_dir: Option<PathBuf>) -> Option<DiskSettings> {
        let dir = given.dir.map(Directory::new);
        let dir = match default_dir {
            Some(default) => Some(self.or(Directory(default), Setting::DiskDir, dir)),
            None => self.or_none(Setting::DiskDir, dir).map(|(dir, _)| dir),
        };
        let max_bytes =
            self.or(ByteLimit(1 << 30), Setting::DiskMaxBytes, given.max_bytes.map(ByteLimit::new));
        let timeout = self.or(milliseconds(50), Setting::DiskTimeout, given.timeout.map(Span::new));
        let engine = self.or(Engine::preferred(), Setting::DiskEngine, given.engine.map(Engine::new));
        // Against the directory of now: the program may go to another one before the layer is first used.
        let dir = dir?.0;
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        Some(DiskSettings { dir, max_bytes: max_bytes.0, timeout: timeout.0, engine: engine.0 })
    }
}
