//! The two declarations that all settings and rows are written with.

/// Declares a table of settings: a struct with documented fields, read with all errors, written back, and
/// described key by key.
///
/// A field reads `name: Type`, then optionally `= default` (what the document would hold), `=> example`
/// (shown in the reference), `; restart` (a change needs a restart). A type marked `agrees` has an
/// [`Agreement`](crate::setting::Agreement) between its keys that is checked after reading.
macro_rules! settings {
    (@applies) => { $crate::setting::Applies::OnReload };
    (@applies restart) => { $crate::setting::Applies::OnRestart };
    (@tree) => { None };
    (@tree $tree:expr) => { Some(|| $crate::tree::Tree::from($tree)) };
    (@required $type:ty) => { || <$type as $crate::setting::Setting>::absent().is_none() };
    (@required $type:ty, $default:expr) => { || false };
    (@check $name:ident) => {
        impl $crate::setting::Agreement for $name {
            fn check(&self, _: &$crate::setting::Cursor<'_>, _: &mut $crate::setting::Problems<'_>) {}
        }
    };
    (@check $name:ident agrees) => {};
    (
        $(#[doc = $type_doc:literal])+
        pub struct $name:ident $($agrees:ident)? {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $type:ty $(= $default:expr)? $(=> $example:expr)? $(; $applies:ident)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $type_doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        $crate::setting::settings!(@check $name $($agrees)?);

        impl $crate::setting::Setting for $name {
            fn shape() -> $crate::setting::Shape {
                static KEYS: &[$crate::setting::Key] = &[$(
                    $crate::setting::Key {
                        name: stringify!($field),
                        doc: &[$($doc),+],
                        default: $crate::setting::settings!(@tree $($default)?),
                        example: $crate::setting::settings!(@tree $($example)?),
                        applies: $crate::setting::settings!(@applies $($applies)?),
                        shape: <$type as $crate::setting::Setting>::shape,
                        required: $crate::setting::settings!(@required $type $(, $default)?),
                    }
                ),*];
                $crate::setting::Shape::Table(KEYS)
            }

            fn read(
                at: &$crate::setting::Cursor<'_>,
                problems: &mut $crate::setting::Problems<'_>,
            ) -> Option<Self> {
                let table = $crate::setting::TableReader::open(at, problems)?;
                $( let $field: Option<$type> = table.take(
                    stringify!($field),
                    $crate::setting::settings!(@tree $($default)?),
                    problems,
                ); )*
                if let $crate::setting::Shape::Table(keys) = Self::shape() {
                    table.refuse_unknown(keys, problems);
                }
                let value = Self { $( $field: $field? ),* };
                $crate::setting::Agreement::check(&value, at, problems);
                Some(value)
            }

            fn to_tree(&self) -> $crate::tree::Tree {
                $crate::tree::Value::Table(vec![$(
                    $crate::tree::Entry {
                        key: stringify!($field).to_owned(),
                        at: None,
                        value: $crate::setting::Setting::to_tree(&self.$field),
                    }
                ),*]).into()
            }

            fn absent() -> Option<Self> {
                let tree = $crate::tree::Tree::empty();
                let source = $crate::setting::Source { file: "default", text: "" };
                let mut problems = $crate::setting::Problems::new(source);
                let value = Self::read(&$crate::setting::Cursor::top(&tree), &mut problems);
                problems.finish(value).ok()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::setting::Setting::to_tree(self).serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let tree = $crate::tree::Tree::deserialize(deserializer)?;
                $crate::document::read_tree(&tree, "request").map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Declares a setting that is one of several words.
macro_rules! choices {
    (
        $(#[doc = $type_doc:literal])+
        pub enum $name:ident {
            $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal ),* $(,)?
        }
    ) => {
        $(#[doc = $type_doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[doc = $doc])+ $variant, )*
        }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            const WORDS: &[&str] = &[$($word),*];

            /// The word that stands for it in documents and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|choice| choice.as_str() == word);
                found.copied().ok_or_else(|| $crate::setting::Shape::Choice(Self::WORDS).expects())
            }
        }

        impl $crate::setting::Setting for $name {
            fn shape() -> $crate::setting::Shape {
                $crate::setting::Shape::Choice(Self::WORDS)
            }
            fn read(
                at: &$crate::setting::Cursor<'_>,
                problems: &mut $crate::setting::Problems<'_>,
            ) -> Option<Self> {
                $crate::setting::read_text(at, problems)
            }
            fn to_tree(&self) -> $crate::tree::Tree {
                self.as_str().into()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use {choices, settings};
