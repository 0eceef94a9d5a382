//! Numbers that survive the trip: integers, floats and decimals keep the form in which they came.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, Signed, ToPrimitive, Zero};
use thiserror::Error;

/// The most digits that a number may have before its decimal point, and the most after it.
///
/// Far beyond what Terraform's own numbers tell apart, and low enough that `1e999999999` costs nothing.
pub const MAX_DIGITS: u64 = 10_000;

/// The precision of Terraform core's numbers, in bits.
const CORE_PRECISION: u64 = 512;

/// Every decimal of so many significant digits has a float of [`CORE_PRECISION`] of its own.
const CORE_DIGITS: u64 = 153;

/// A number of any size.
///
/// Equal when Terraform core holds them to be equal: integers by value, others by the shortest decimal
/// text that tells them apart, so that the float 0.1 equals the decimal 0.1. The order agrees with that.
#[derive(Debug, Clone)]
pub enum Number {
    /// An integer that fits 64 bits.
    Int(i64),
    /// A binary float, also the infinities; never NaN.
    Float(f64),
    /// Anything else, exactly as its decimal text says.
    Decimal(Box<BigDecimal>),
}

/// Why something is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// The text is not a decimal number.
    #[error("expected a decimal number, optionally with an exponent, or Inf")]
    Syntax,
    /// The number has more than [`MAX_DIGITS`] digits before or after its decimal point.
    #[error("expected at most {MAX_DIGITS} digits before and after the decimal point")]
    TooLong,
    /// Terraform has no NaN.
    #[error("expected a number, found NaN")]
    NotANumber,
}

impl Number {
    /// Its value as a 64-bit signed integer; `None` unless it is exactly one.
    pub fn to_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Float(_) | Self::Decimal(_) => self.to_integer()?.to_i64(),
        }
    }

    /// Its value as a 64-bit unsigned integer; `None` unless it is exactly one.
    pub fn to_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::Float(_) | Self::Decimal(_) => self.to_integer()?.to_u64(),
        }
    }

    /// The float that equals it; `None` if there is none.
    ///
    /// The decimal 0.1 gives the float 0.1, since core holds the two to be equal; an integer that no float
    /// can hold exactly gives `None`.
    pub fn to_f64(&self) -> Option<f64> {
        let float = match self {
            Self::Int(value) => value.to_f64()?,
            Self::Float(value) => return Some(*value),
            Self::Decimal(value) => {
                value.to_plain_string().parse::<f64>().ok().filter(|float| float.is_finite())?
            }
        };
        (Self::Float(float) == *self).then_some(float)
    }

    /// Whether it is one of the two infinities.
    pub fn is_infinite(&self) -> bool {
        self.infinity() != 0
    }

    /// The float that is exactly it, bit for bit; `None` if there is none.
    pub(crate) fn to_exact_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(_) | Self::Decimal(_) => self
                .to_f64()
                .filter(|float| BigDecimal::try_from(*float).is_ok_and(|exact| exact == *self.decimal())),
        }
    }

    /// Its value as an integer, if it is one.
    fn to_integer(&self) -> Option<BigInt> {
        if self.is_infinite() {
            return None;
        }
        let decimal = self.decimal();
        decimal.is_integer().then(|| decimal.with_scale(0).into_bigint_and_scale().0)
    }

    /// The sign of an infinity; 0 for a finite number.
    fn infinity(&self) -> i8 {
        match self {
            Self::Float(value) if *value == f64::INFINITY => 1,
            Self::Float(value) if *value == f64::NEG_INFINITY => -1,
            Self::Int(_) | Self::Float(_) | Self::Decimal(_) => 0,
        }
    }

    /// The decimal that stands for a finite number in comparisons: exact where it is an integer, else the
    /// shortest one that reads back as the same float.
    fn decimal(&self) -> Cow<'_, BigDecimal> {
        match self {
            Self::Int(value) => Cow::Owned(BigDecimal::from(*value)),
            Self::Decimal(value) => Cow::Borrowed(value),
            Self::Float(value) if value.fract() == 0.0 => {
                Cow::Owned(BigDecimal::try_from(*value).unwrap_or_default())
            }
            Self::Float(value) => Cow::Owned(value.to_string().parse().unwrap_or_default()),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            _ => {
                let (a, b) = (self.infinity(), other.infinity());
                if a == 0 && b == 0 { self.decimal().cmp(&other.decimal()) } else { a.cmp(&b) }
            }
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

/// Plain decimal text without exponent; the infinities are `inf` and `-inf`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Decimal(value) => value.write_plain_string(f),
        }
    }
}

/// Reads the texts that core reads: decimal, with an optional exponent, and `Inf`. Hexadecimal, `_`, blanks
/// and `NaN` are errors. Digits beyond core's precision are rounded away as core does it.
impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if let Ok(value) = text.parse() {
            return Ok(if value == 0 && text.starts_with('-') {
                Self::Float(-0.0)
            } else {
                Self::Int(value)
            });
        }
        match text {
            "Inf" | "inf" | "+Inf" | "+inf" => return Ok(Self::Float(f64::INFINITY)),
            "-Inf" | "-inf" => return Ok(Self::Float(f64::NEG_INFINITY)),
            _ => {}
        }
        let decimal = parse_decimal(text)?;
        if decimal.is_zero() && text.starts_with('-') {
            return Ok(Self::Float(-0.0));
        }
        Ok(decimal.into())
    }
}

impl From<BigDecimal> for Number {
    /// The integer form where it fits.
    fn from(value: BigDecimal) -> Self {
        let value = value.normalized();
        match value.is_integer().then(|| value.to_i64()).flatten() {
            Some(integer) => Self::Int(integer),
            None => Self::Decimal(Box::new(value)),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Decimal(Box::new(value.into())), Self::Int)
    }
}

impl TryFrom<f64> for Number {
    type Error = NumberError;

    fn try_from(value: f64) -> Result<Self, NumberError> {
        if value.is_nan() { Err(NumberError::NotANumber) } else { Ok(Self::Float(value)) }
    }
}

/// The parts of `[+-]digits[.digits][e[+-]digits]`; either digits around the point may be missing.
fn parse_decimal(text: &str) -> Result<BigDecimal, NumberError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (negative, magnitude) = split_sign(mantissa);
    let (integer, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if integer.len() + fraction.len() == 0 || !is_digits(integer) || !is_digits(fraction) {
        return Err(NumberError::Syntax);
    }
    let digits = [integer.trim_start_matches('0'), fraction.trim_end_matches('0')].concat();
    let scale = fraction.trim_end_matches('0').len() as i64 - exponent;
    if digits.len() as u64 > 2 * MAX_DIGITS {
        return Err(NumberError::TooLong);
    }
    let unsigned = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
    let value = BigDecimal::new(if negative { -unsigned } else { unsigned }, scale).normalized();
    let before_point = (value.digits() as i64).saturating_sub(value.fractional_digit_count());
    if before_point > MAX_DIGITS as i64 || value.fractional_digit_count() > MAX_DIGITS as i64 {
        return Err(NumberError::TooLong);
    }
    Ok(round_to_core_precision(value))
}

/// An exponent, held far from where arithmetic on it could overflow.
fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    Ok(if negative { -magnitude } else { magnitude })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The shortest decimal that core's binary numbers do not tell from `value`.
fn round_to_core_precision(value: BigDecimal) -> BigDecimal {
    if value.digits() <= CORE_DIGITS {
        return value;
    }
    let binary = nearest_binary(&value);
    (CORE_DIGITS..value.digits())
        .filter_map(NonZeroU64::new)
        .map(|digits| binary.with_precision_round(digits, RoundingMode::HalfEven).normalized())
        .find(|shorter| nearest_binary(shorter) == binary)
        .unwrap_or(value)
}

/// The number of [`CORE_PRECISION`] that is nearest to `value`, ties to even.
fn nearest_binary(value: &BigDecimal) -> BigDecimal {
    let (digits, scale) = value.as_bigint_and_scale();
    let power = BigInt::from(10).pow(u32::try_from(scale.unsigned_abs()).unwrap_or(u32::MAX));
    let (numerator, denominator) =
        if scale < 0 { (digits.abs() * power, BigInt::from(1)) } else { (digits.abs(), power) };

    // Scales by a power of two so that the quotient has exactly one bit more than the precision, or two.
    let shift = (CORE_PRECISION + 2) as i64 - numerator.bits() as i64 + denominator.bits() as i64;
    let scaled = |number: &BigInt, by: i64| number << by.max(0) as u64;
    let (numerator, denominator) = (scaled(&numerator, shift), scaled(&denominator, -shift));
    let mut quotient = &numerator / &denominator;
    let exact = (&quotient * &denominator) == numerator;

    // Rounds half to even; what the division dropped only matters on the tie.
    let surplus = quotient.bits().saturating_sub(CORE_PRECISION);
    let (kept, half) = (&quotient >> surplus, BigInt::from(1) << surplus.saturating_sub(1));
    let dropped = &quotient - (&kept << surplus);
    let odd = kept.bit(0);
    let up = dropped > half || (dropped == half && (!exact || odd));
    quotient = (if up { kept + 1 } else { kept }) << surplus;

    let magnitude = if shift >= 0 {
        // Division by 2^shift is multiplication by 5^shift / 10^shift.
        let power = BigInt::from(5).pow(u32::try_from(shift).unwrap_or(u32::MAX));
        BigDecimal::new(quotient * power, shift)
    } else {
        BigDecimal::new(quotient << shift.unsigned_abs(), 0)
    };
    if digits.is_negative() { -magnitude } else { magnitude }
}
