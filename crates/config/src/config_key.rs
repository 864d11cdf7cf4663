//! One row of the configuration table.

/// The types of Kafka's ConfigDef.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`, in any case.
    Boolean,
    /// Any text.
    String,
    /// A signed 32-bit number.
    Int,
    /// A signed 16-bit number.
    Short,
    /// A signed 64-bit number.
    Long,
    /// A floating-point number.
    Double,
    /// Texts separated by commas.
    List,
    /// The name of a Java class; kept as text.
    Class,
    /// A text that is never shown.
    Password,
}

impl ConfigType {
    /// The number that stands for the type in DescribeConfigs responses (KIP-569).
    pub const fn wire_id(self) -> i8 {
        match self {
            ConfigType::Boolean => 1,
            ConfigType::String => 2,
            ConfigType::Int => 3,
            ConfigType::Short => 4,
            ConfigType::Long => 5,
            ConfigType::Double => 6,
            ConfigType::List => 7,
            ConfigType::Class => 8,
            ConfigType::Password => 9,
        }
    }

    /// The type in words, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            ConfigType::Boolean => "true or false",
            ConfigType::String => "a text",
            ConfigType::Int => "a whole number of 32 bits",
            ConfigType::Short => "a whole number of 16 bits",
            ConfigType::Long => "a whole number of 64 bits",
            ConfigType::Double => "a number",
            ConfigType::List => "a list separated by commas",
            ConfigType::Class => "the name of a class",
            ConfigType::Password => "a secret text",
        }
    }
}

/// When a broker setting can change (Kafka's DynamicBrokerConfig).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Only with a restart.
    ReadOnly,
    /// At run time, each broker for itself.
    PerBroker,
    /// At run time, for one broker or as the default of all.
    ClusterWide,
}

/// How much a setting matters to whoever runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Look at it first.
    High,
    /// Worth knowing.
    Medium,
    /// Rarely touched.
    Low,
}

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Validator {
    /// Every value of the type is fine.
    Any,
    /// At least this number.
    AtLeast(i64),
    /// From the first number to the second, both included.
    Between(i64, i64),
    /// From the first number to the second, both included, fractions allowed.
    BetweenFractions(f64, f64),
    /// gzip's levels: −1 (its default) or 1 to 9.
    GzipLevel,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any case.
    OneOfIgnoringCase(&'static [&'static str]),
    /// A list of these texts.
    ListOf(&'static [&'static str]),
    /// A text with at least one character that is not blank.
    NonEmpty,
    /// `partition:broker` pairs, or one `*`.
    ThrottledReplicas,
}

/// A setting: its name, type, default, rule and meaning.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKey {
    /// Kafka's property name.
    pub name: &'static str,
    /// The type of its value.
    pub config_type: ConfigType,
    /// The value if nobody sets it; `None` is Kafka's null.
    pub default: Option<&'static str>,
    /// What a value must satisfy.
    pub validator: Validator,
    /// When it can change.
    pub update_mode: UpdateMode,
    /// How much it matters.
    pub importance: Importance,
    /// Not for the public: left out of help and DescribeConfigs.
    pub internal: bool,
    /// What it means, in one line.
    pub doc: &'static str,
}

impl ConfigKey {
    /// Whether its value must never be shown.
    pub fn is_sensitive(&self) -> bool {
        self.config_type == ConfigType::Password
    }

    /// Whether its value is a list, which elements can be added to and taken from.
    pub fn is_list(&self) -> bool {
        self.config_type == ConfigType::List
    }
}

/// The default in a row of [`config_keys`]: a text, or `none` for Kafka's null.
macro_rules! config_default {
    (none) => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

/// A table of [`ConfigKey`]s, two lines a row:
/// `name: Type = default, validator, UpdateMode, Importance [internal],` and its meaning.
macro_rules! config_keys {
    ($($name:literal: $type:ident = $default:tt, $validator:expr, $mode:ident, $importance:ident $($internal:ident)?, $doc:literal;)*) => {
        &[$($crate::config_key::ConfigKey {
            name: $name,
            config_type: $crate::config_key::ConfigType::$type,
            default: $crate::config_key::config_default!($default),
            validator: $validator,
            update_mode: $crate::config_key::UpdateMode::$mode,
            importance: $crate::config_key::Importance::$importance,
            internal: $crate::config_key::is_internal(&[$(stringify!($internal))?]),
            doc: $doc,
        }),*]
    };
}

pub(crate) use {config_default, config_keys};

/// Whether a row carries the word `internal`.
pub(crate) const fn is_internal(words: &[&str]) -> bool {
    !words.is_empty()
}
