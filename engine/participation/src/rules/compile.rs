//! From the document as it is written to the rules as they are followed.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use regex::{Regex, RegexBuilder};

use super::shape::{self, RequirementKind, RuleKind, Shape};
use super::{
    Check, Choice, EntryPoint, FieldRule, Find, Prize, Requirement, Responses, Rules, RulesError, Template,
};
use crate::verdict::RejectCode;

/// Octets that a compiled expression may take.
const PATTERN_SIZE: usize = 1 << 20;
/// Rules, requirements, options or prizes of one campaign.
const MOST: usize = 1_000;

type Compiled<T> = Result<T, RulesError>;

fn wrong<T>(path: impl Into<String>, problem: impl Into<String>) -> Compiled<T> {
    Err(RulesError { path: path.into(), problem: problem.into() })
}

pub(super) fn compile(shape: Shape) -> Compiled<Rules> {
    if shape.name.is_empty() {
        return wrong("name", "must not be empty");
    }
    if let (Some(open), Some(close)) = (shape.open, shape.close)
        && open >= close
    {
        return wrong("close", format!("must be after open, which is {open}"));
    }
    let database = shape.database.unwrap_or_else(|| shape.name.clone());
    let is_file_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if database.starts_with('.')
        || database.len() > 100
        || database.is_empty()
        || !database.chars().all(is_file_name)
    {
        return wrong(
            "database",
            "must be 1 to 100 letters, digits, `-`, `_` and `.`, and begin without a dot",
        );
    }
    for (path, count) in [
        ("extraction", shape.extraction.len()),
        ("requirements", shape.requirements.len()),
        ("entry_points", shape.entry_points.len()),
        ("prizes", shape.prizes.len()),
    ] {
        if count > MOST {
            return wrong(path, format!("must have at most {MOST} items"));
        }
    }
    let mut extraction: Vec<FieldRule> = Vec::new();
    for (index, rule) in shape.extraction.into_iter().enumerate() {
        let path = format!("extraction[{index}]");
        if extraction.iter().any(|before| before.field == rule.field) {
            return wrong(format!("{path}.field"), format!("`{}` is there twice", rule.field));
        }
        extraction.push(field_rule(rule, &path)?);
    }
    let mut requirements = Vec::new();
    for (index, requirement) in shape.requirements.into_iter().enumerate() {
        requirements.push(self::requirement(requirement, &format!("requirements[{index}]"), &extraction)?);
    }
    let prizes = prizes(shape.prizes)?;
    let prize_seed = shape.prize_seed.unwrap_or_default();
    if !prizes.is_empty() && prize_seed.len() < 16 {
        return wrong(
            "prize_seed",
            "must have at least 16 octets when there are prizes: whoever guesses it knows who wins",
        );
    }
    Ok(Rules {
        kind: shape.kind,
        state: shape.state,
        entry_points: shape.entry_points.into_iter().map(entry_point).collect(),
        open: shape.open,
        close: shape.close,
        time_zone: TimeZone::get(&shape.time_zone)
            .or_else(|_| wrong("time_zone", format!("there is no time zone `{}`", shape.time_zone)))?,
        grace: period(&shape.grace, "grace")?,
        several: shape.several,
        responses: responses(shape.responses, &extraction)?,
        database,
        keep_raw: shape.keep_raw,
        retention: period(&shape.retention, "retention")?,
        prepaid: shape.prepaid,
        name: shape.name,
        account: shape.account,
        extraction,
        requirements,
        prizes,
        prize_seed,
    })
}

fn entry_point(point: shape::EntryPoint) -> EntryPoint {
    EntryPoint {
        channel: point.channel,
        source_address: point.source_address,
        keyword: words(&point.keyword.unwrap_or_default()),
    }
}

fn words(text: &str) -> Vec<String> {
    signalbox_text::fold(text).split_whitespace().map(str::to_owned).collect()
}

fn prizes(shapes: Vec<shape::Prize>) -> Compiled<Vec<Prize>> {
    let mut prizes: Vec<Prize> = Vec::new();
    for (index, prize) in shapes.into_iter().enumerate() {
        if prizes.iter().any(|before| before.name == prize.name) {
            return wrong(format!("prizes[{index}].name"), format!("`{}` is there twice", prize.name));
        }
        if prize.one_in == 0 {
            return wrong(format!("prizes[{index}].one_in"), "must be at least 1");
        }
        prizes.push(Prize { name: prize.name, count: prize.count, one_in: prize.one_in });
    }
    Ok(prizes)
}

/// As in settings: `250ms`, `30s`, `5m`, `72h`, `7d`, or several as in `1h30m`; at most ten years.
fn period(text: &str, path: &str) -> Compiled<SignedDuration> {
    let expects = || RulesError {
        path: path.to_owned(),
        problem: format!(
            "`{text}` is no length of time of at most 3650d, such as \"30s\", \"72h\" or \"7d\""
        ),
    };
    let mut total: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(expects());
    }
    while !rest.is_empty() && rest != "0" {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(expects)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let factor = match unit {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(expects()),
        };
        let part = number.parse::<i64>().ok().and_then(|number| number.checked_mul(factor));
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= 3_650 * 86_400_000)
            .ok_or_else(expects)?;
        rest = after;
    }
    Ok(SignedDuration::from_millis(total))
}

fn regex(pattern: &str, path: &str) -> Compiled<Regex> {
    RegexBuilder::new(pattern).case_insensitive(true).size_limit(PATTERN_SIZE).build().or_else(|error| {
        let reason = error.to_string();
        wrong(
            format!("{path}.pattern"),
            reason.lines().last().unwrap_or_default().trim_start_matches("error: "),
        )
    })
}

fn field_rule(rule: shape::Rule, path: &str) -> Compiled<FieldRule> {
    let find = match rule.kind {
        RuleKind::Token => Find::Token,
        RuleKind::Regex => {
            let Some(pattern) = &rule.pattern else {
                return wrong(format!("{path}.pattern"), "regex needs a pattern");
            };
            Find::Regex(regex(pattern, path)?)
        }
        RuleKind::Enumeration => Find::Enumeration(choices(rule.options, path)?),
        RuleKind::Number => {
            let (min, max) = bounds(rule.min, rule.max, path)?;
            Find::Number { min, max }
        }
        RuleKind::Date => Find::Date(rule.order),
        RuleKind::Code => {
            let Some(batch) = rule.batch else {
                return wrong(format!("{path}.batch"), "code needs a batch");
            };
            if rule.length.is_some_and(|length| !(1..=64).contains(&length)) {
                return wrong(format!("{path}.length"), "must be 1 to 64");
            }
            Find::Code { batch, length: rule.length }
        }
        RuleKind::Remainder => Find::Remainder,
    };
    if rule.position == Some(0) {
        return wrong(format!("{path}.position"), "words are counted from 1");
    }
    let position = rule.position.map(|position| position - 1);
    Ok(FieldRule { field: rule.field, position, find, required: rule.required })
}

fn bounds(min: Option<i64>, max: Option<i64>, path: &str) -> Compiled<(i64, i64)> {
    let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
    if min > max {
        return wrong(format!("{path}.max"), format!("must not be below min, which is {min}"));
    }
    Ok((min, max))
}

fn choices(options: Vec<shape::Choice>, path: &str) -> Compiled<Vec<Choice>> {
    if options.is_empty() || options.len() > MOST {
        return wrong(format!("{path}.options"), format!("enumeration needs 1 to {MOST} options"));
    }
    let mut choices: Vec<Choice> = Vec::new();
    for (index, option) in options.into_iter().enumerate() {
        let mut names: Vec<Vec<String>> = Vec::new();
        for name in std::iter::once(&option.value).chain(&option.label).chain(&option.synonyms) {
            let words = words(name);
            if words.is_empty() {
                return wrong(format!("{path}.options[{index}]"), format!("`{name}` has no word"));
            }
            if let Some(other) = choices.iter().find(|other| other.words.contains(&words)) {
                return wrong(
                    format!("{path}.options[{index}]"),
                    format!("`{name}` stands for `{}` already", other.value),
                );
            }
            if !names.contains(&words) {
                names.push(words);
            }
        }
        choices.push(Choice { value: option.value, words: names, weight: option.weight });
    }
    Ok(choices)
}

fn requirement(shape: shape::Requirement, path: &str, extraction: &[FieldRule]) -> Compiled<Requirement> {
    let field = || match &shape.field {
        None => wrong(format!("{path}.field"), "needs a field"),
        Some(field) => match extraction.iter().find(|rule| rule.field == *field) {
            Some(rule) => Ok((field.clone(), rule)),
            None => wrong(format!("{path}.field"), format!("no rule of extraction gives `{field}`")),
        },
    };
    let limit = || {
        shape
            .limit
            .ok_or_else(|| RulesError { path: format!("{path}.limit"), problem: "needs a limit".into() })
    };
    let some = |list: &Vec<String>, key: &str| {
        if list.is_empty() { wrong(format!("{path}.{key}"), "needs at least one") } else { Ok(list.clone()) }
    };
    let (check, usual) = match shape.kind {
        RequirementKind::Window => (Check::Window, RejectCode::Closed),
        RequirementKind::OneOf => {
            let values =
                some(&shape.values, "values")?.iter().map(|value| signalbox_text::fold(value)).collect();
            (Check::OneOf { field: field()?.0, values }, RejectCode::BadOption)
        }
        RequirementKind::Format => {
            let Some(pattern) = &shape.pattern else {
                return wrong(format!("{path}.pattern"), "needs a pattern");
            };
            (Check::Format { field: field()?.0, pattern: regex(pattern, path)? }, RejectCode::BadFormat)
        }
        RequirementKind::Checksum => (Check::Checksum { field: field()?.0 }, RejectCode::BadFormat),
        RequirementKind::CodeUnused => {
            let (field, rule) = field()?;
            let Find::Code { batch, .. } = &rule.find else {
                return wrong(format!("{path}.field"), format!("`{field}` is no code"));
            };
            (Check::CodeUnused { field, batch: batch.clone() }, RejectCode::CodeUsed)
        }
        RequirementKind::MaxPerParticipant => {
            (Check::MaxPerParticipant { limit: limit()?, per: shape.per }, RejectCode::Limit)
        }
        RequirementKind::MaxTotal => (Check::MaxTotal { limit: limit()? }, RejectCode::Limit),
        RequirementKind::Range => {
            let (min, max) = bounds(shape.min, shape.max, path)?;
            (Check::Range { field: field()?.0, min, max }, RejectCode::BadFormat)
        }
        RequirementKind::Carrier => {
            (Check::Carrier(some(&shape.carriers, "carriers")?), RejectCode::Ineligible)
        }
        RequirementKind::Country => {
            (Check::Country(some(&shape.countries, "countries")?), RejectCode::Ineligible)
        }
        RequirementKind::Consent => (Check::Consent { field: field()?.0 }, RejectCode::Ineligible),
        RequirementKind::Age => {
            let (field, rule) = field()?;
            if !matches!(rule.find, Find::Date(_)) {
                return wrong(format!("{path}.field"), format!("`{field}` is no date"));
            }
            let years = u16::try_from(limit()?).ok().filter(|years| (1..=150).contains(years));
            let Some(years) = years else {
                return wrong(format!("{path}.limit"), "must be 1 to 150 years");
            };
            (Check::Age { field, years }, RejectCode::Ineligible)
        }
        RequirementKind::NotBarred => (Check::NotBarred, RejectCode::Barred),
        RequirementKind::OptedIn => (Check::OptedIn, RejectCode::Ineligible),
        RequirementKind::StepDone => {
            let Some(step) = shape.step.clone() else {
                return wrong(format!("{path}.step"), "needs a campaign");
            };
            (Check::StepDone(step), RejectCode::Ineligible)
        }
        RequirementKind::Confidence => {
            let Some(percent) = u8::try_from(limit()?).ok().filter(|percent| *percent <= 100) else {
                return wrong(format!("{path}.limit"), "must be at most 100 percent");
            };
            (Check::Confidence { field: field()?.0, percent }, RejectCode::BadFormat)
        }
    };
    let counts = matches!(check, Check::MaxPerParticipant { .. } | Check::MaxTotal { .. });
    if counts && shape.field.is_some() {
        return wrong(format!("{path}.field"), "limits count all submissions, whatever their fields are");
    }
    Ok(Requirement { check, reject: shape.reject.unwrap_or(usual) })
}

fn responses(shape: shape::Responses, extraction: &[FieldRule]) -> Compiled<Responses> {
    let template = |text: &str, path: String, also: &[&str]| {
        let template = Template::read(text).or_else(|problem| wrong(path.clone(), problem))?;
        let unknown = template
            .fields()
            .find(|field| !also.contains(field) && !extraction.iter().any(|rule| rule.field == *field));
        match unknown {
            Some(field) => wrong(path, format!("no rule of extraction gives the field `{field}`")),
            None => Ok(template),
        }
    };
    let optional = |text: &Option<String>, path: &str, also: &[&str]| {
        text.as_deref().map(|text| template(text, path.to_owned(), also)).transpose()
    };
    Ok(Responses {
        enabled: shape.enabled,
        accepted: optional(&shape.accepted, "responses.accepted", &[])?,
        won: optional(&shape.won, "responses.won", &["prize"])?,
        rejected: shape
            .rejected
            .iter()
            .map(|(code, text)| Ok((*code, template(text, format!("responses.rejected.{code}"), &[])?)))
            .collect::<Compiled<_>>()?,
        not_enabled: optional(&shape.not_enabled, "responses.not_enabled", &[])?,
        rejected_per_hour: shape.rejected_per_hour,
    })
}
