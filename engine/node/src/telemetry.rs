//! Log lines and the metrics' register.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use signalbox_config::Settings;
use signalbox_config::settings::LogFormat;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// Buckets of everything measured in seconds.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 60.0, 600.0, 3600.0,
];
/// Buckets of everything counted in records.
const RECORDS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];

/// Changes the level of log lines while the node runs.
#[derive(Clone)]
pub struct LogLevel {
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Telemetry that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The levels are no filter.
    #[error("`{0}` is no log filter such as info or info,signalbox::links=debug")]
    Filter(String),
    /// Log lines go somewhere else already.
    #[error("the log is taken")]
    LogTaken,
    /// Metrics go somewhere else already.
    #[error("the register of metrics cannot be set up")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

impl LogLevel {
    /// Sets the filter, as `info` or `info,signalbox::links=debug`.
    ///
    /// # Errors
    /// When the text is no filter.
    pub fn set(&self, text: &str) -> Result<(), TelemetryError> {
        let filter = parse(text)?;
        self.filter.reload(filter).map_err(|_gone| TelemetryError::LogTaken)
    }

    /// The filter in force.
    #[must_use]
    pub fn get(&self) -> String {
        self.filter.with_current(ToString::to_string).unwrap_or_default()
    }
}

fn parse(text: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(text).map_err(|_| TelemetryError::Filter(text.to_owned()))
}

/// The filter that the settings ask for.
#[must_use]
pub fn filter_text(settings: &Settings) -> String {
    let mut text = settings.log.level.as_str().to_owned();
    for (target, level) in &settings.log.targets {
        text.push_str(&format!(",{target}={}", level.as_str()));
    }
    text
}

/// Begins to write log lines to standard output.
///
/// # Errors
/// See [`TelemetryError`].
pub fn start_log(settings: &Settings) -> Result<LogLevel, TelemetryError> {
    let (filter, handle) = reload::Layer::new(parse(&filter_text(settings))?);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stdout);
    let started = match settings.log.format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
    };
    started.map_err(|_taken| TelemetryError::LogTaken)?;
    Ok(LogLevel { filter: handle })
}

/// Begins to register metrics.
///
/// # Errors
/// When another register is installed.
pub fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_records".into()), RECORDS)?
        .install_recorder()?;
    metrics::gauge!("build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sources(dir: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    /// Names in the source: the first argument of the macros that make metrics.
    fn registered() -> BTreeSet<String> {
        let mut texts = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
        let mut names = BTreeSet::new();
        for text in texts {
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for macro_name in ["counter!(", "gauge!(", "histogram!("] {
                for after in text.split(macro_name).skip(1) {
                    let Some(after) = after.trim_start().strip_prefix('"') else { continue };
                    names.insert(after.split('"').next().unwrap_or_default().to_owned());
                }
            }
        }
        names
    }

    #[test]
    fn the_list_of_metrics_is_true() {
        let list = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/metrics.md");
        let list = std::fs::read_to_string(list).unwrap();
        let listed: BTreeSet<String> = list
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|line| line.split('`').next())
            .map(str::to_owned)
            .collect();
        let registered = registered();
        assert!(registered.len() > 40);
        assert_eq!(listed, registered);
    }
}
