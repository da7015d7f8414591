//! The number plans of the `phonenumber` library, asked without its cache.
//!
//! The library keeps a hundred compiled patterns behind one lock, found by their text, and compiles the others anew each
//! time, which takes a millisecond: numbers of a few countries in turn are enough for that. Here each pattern is
//! compiled when it is first asked, and kept.

use std::sync::{LazyLock, OnceLock};

use phonenumber::Type;
use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use regex::{Regex, RegexBuilder};

/// Kinds in the order in which they are tried, but for fixed and mobile lines, which come last.
const KINDS: [Type; 8] = [
    Type::PremiumRate,
    Type::TollFree,
    Type::SharedCost,
    Type::Voip,
    Type::PersonalNumber,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// Numbers of one kind, without the country code.
struct Pattern {
    lengths: &'static [u16],
    text: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn of(numbers: &'static Descriptor) -> Self {
        Self::written(numbers.possible_length(), numbers.national_number().as_str())
    }

    fn written(lengths: &'static [u16], text: &'static str) -> Self {
        Self { lengths, text, compiled: OnceLock::new() }
    }

    fn fits(&self, national: &str) -> bool {
        let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
        if !self.lengths.is_empty() && !self.lengths.contains(&length) {
            return false;
        }
        // Only ASCII digits come here, and classes of all the world's digits make patterns a hundred times larger.
        let compile = || {
            RegexBuilder::new(&format!("^(?:{})", self.text))
                .ignore_whitespace(true)
                .unicode(false)
                .build()
                .ok()
        };
        self.compiled.get_or_init(compile).as_ref().is_some_and(|regex| regex.is_match(national))
    }
}

/// The plan of one country or territory.
pub(super) struct Plan {
    /// Its two letters, or `001` for services of the whole world.
    pub(super) id: &'static str,
    leading: Option<Pattern>,
    general: Pattern,
    kinds: Vec<(Type, Pattern)>,
    fixed: Option<Pattern>,
    mobile: Option<Pattern>,
}

impl Plan {
    fn of(plan: &'static Metadata) -> Self {
        let numbers = plan.descriptors();
        let pattern = |kind| numbers.get(kind).map(Pattern::of);
        Self {
            id: plan.id(),
            leading: plan.leading_digits().map(|digits| Pattern::written(&[], digits.as_str())),
            general: Pattern::of(numbers.general()),
            kinds: KINDS.into_iter().filter_map(|kind| Some((kind, pattern(kind)?))).collect(),
            fixed: pattern(Type::FixedLine),
            mobile: pattern(Type::Mobile),
        }
    }

    /// The kind of a number; [`Type::Unknown`] when the plan has no such number.
    pub(super) fn kind(&self, national: &str) -> Type {
        if !self.general.fits(national) {
            return Type::Unknown;
        }
        if let Some((kind, _)) = self.kinds.iter().find(|(_, numbers)| numbers.fits(national)) {
            return *kind;
        }
        let mobile = || self.mobile.as_ref().is_some_and(|numbers| numbers.fits(national));
        let Some(fixed) = self.fixed.as_ref().filter(|numbers| numbers.fits(national)) else {
            return if mobile() { Type::Mobile } else { Type::Unknown };
        };
        let same = self.mobile.as_ref().is_some_and(|numbers| numbers.text == fixed.text);
        if same || mobile() { Type::FixedLineOrMobile } else { Type::FixedLine }
    }
}

/// The plans by their country codes, the main country of a shared one first.
static PLANS: LazyLock<Vec<Vec<Plan>>> = LazyLock::new(|| {
    let of = |code: u16| DATABASE.by_code(&code).unwrap_or_default().into_iter().map(Plan::of).collect();
    (0..1000).map(of).collect()
});

/// The plans of a country code; none where there is no such code.
pub(super) fn plans_of(calling_code: u16) -> &'static [Plan] {
    PLANS.get(usize::from(calling_code)).map_or(&[], Vec::as_slice)
}

/// The plan that a number is of, and its kind by it. A code of one country is that country's, whether its plan has
/// the number or not; of those that share a code it is the one whose leading digits it has, or that has the number.
pub(super) fn plan_of(calling_code: u16, national: &str) -> Option<(&'static Plan, Type)> {
    let plans = plans_of(calling_code);
    if let [sole] = plans {
        return Some((sole, sole.kind(national)));
    }
    plans.iter().find_map(|plan| {
        if let Some(leading) = &plan.leading {
            return leading.fits(national).then(|| (plan, plan.kind(national)));
        }
        let kind = plan.kind(national);
        (kind != Type::Unknown).then_some((plan, kind))
    })
}
