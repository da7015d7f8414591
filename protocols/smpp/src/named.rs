//! The one macro of the crate: a newtype over an integer whose registered values have names.

/// Defines a newtype over an integer with one documented constant per registered value, `name()`, and a
/// `Display` that falls back to hexadecimal for values without a name.
macro_rules! named_values {
    (
        $(#[$meta:meta])*
        $type:ident($inner:ty) {
            $( $(#[$doc:meta])* $constant:ident = $value:literal $name:literal ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $type(pub $inner);

        impl $type {
            $( $(#[$doc])* pub const $constant: $type = $type($value); )*

            /// Every value with a name, in ascending order of the source text.
            pub const ALL: &'static [$type] = &[$( $type::$constant ),*];

            /// The name used in the specification, or `None` for a reserved or vendor value.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some($name), )*
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#x}", self.0),
                }
            }
        }

        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl From<$inner> for $type {
            fn from(value: $inner) -> Self {
                $type(value)
            }
        }
    };
}

pub(crate) use named_values;
