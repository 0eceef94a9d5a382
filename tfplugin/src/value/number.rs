//! Numbers that survive the trip: integers, floats and decimals keep the form in which they came.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, One, RoundingMode, Signed, ToPrimitive, Zero};
use thiserror::Error;

#[cfg(test)]
mod tests;

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

/// What was found where a number should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// The text is not a decimal number.
    #[error("text that is neither a decimal number nor Inf")]
    Syntax,
    /// The number has more than [`MAX_DIGITS`] digits before or after its decimal point.
    #[error("more than {MAX_DIGITS} digits before or after the decimal point")]
    TooLong,
    /// Terraform has no NaN.
    #[error("NaN")]
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
        let float = self.nearest_f64()?;
        (Self::Float(float) == *self).then_some(float)
    }

    /// Whether it is one of the two infinities.
    pub fn is_infinite(&self) -> bool {
        self.infinity() != 0
    }

    /// The float that is exactly it, bit for bit; `None` if there is none.
    pub(crate) fn to_exact_f64(&self) -> Option<f64> {
        let float = self.nearest_f64()?;
        let is_exact = match self {
            Self::Float(_) => true,
            Self::Int(_) | Self::Decimal(_) => {
                BigDecimal::try_from(float).is_ok_and(|exact| exact == *self.decimal())
            }
        };
        is_exact.then_some(float)
    }

    /// The float nearest to it; `None` beyond their range.
    fn nearest_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => value.to_f64(),
            Self::Float(value) => Some(*value),
            Self::Decimal(value) => {
                value.to_plain_string().parse().ok().filter(|float: &f64| float.is_finite())
            }
        }
    }

    /// Its value as an integer, if it is one that may fit 64 bits.
    fn to_integer(&self) -> Option<BigInt> {
        if self.is_infinite() {
            return None;
        }
        integer(&self.decimal())
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
            Self::Float(value) => Cow::Owned(shortest_decimal(*value)),
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
            Self::Float(value) if *value == 0.0 || value.is_infinite() => value.fmt(f),
            Self::Float(value) => shortest_decimal(*value).write_plain_string(f),
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
        match integer(&value).and_then(|integer| integer.to_i64()) {
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

/// An integer of a decimal that is one. Those far beyond 64 bits are not looked at: to spell out
/// `1e9999` costs.
fn integer(value: &BigDecimal) -> Option<BigInt> {
    let may_fit = 0..=i64::from(u64::MAX.ilog10());
    (may_fit.contains(&value.order_of_magnitude()) && value.is_integer())
        .then(|| value.with_scale(0).into_bigint_and_scale().0)
}

/// The shortest decimal that reads back as the same float, with the digits that core gives it.
fn shortest_decimal(value: f64) -> BigDecimal {
    let decimal: BigDecimal = value.to_string().parse().unwrap_or_default();
    let decimal = decimal.normalized();
    // With more digits there is a choice, and Go chooses otherwise than Rust; it also gives the smallest floats,
    // which have less precision, as many digits as the others.
    if decimal.digits() <= f64::DIGITS.into() && !value.is_subnormal() {
        return decimal;
    }
    let exact = BigDecimal::try_from(value).unwrap_or_default();
    Binary::nearest(&exact, f64::MANTISSA_DIGITS.into()).shortest()
}

/// Reads `[+-]digits[.digits][e[+-]digits]`; either digits around the point may be missing.
fn parse_decimal(text: &str) -> Result<BigDecimal, NumberError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (negative, magnitude) = split_sign(mantissa);
    let (integer, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    if integer.len() + fraction.len() == 0 || !is_digits(integer) || !is_digits(fraction) {
        return Err(NumberError::Syntax);
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = [integer.trim_start_matches('0'), fraction].concat();
    if digits.len() as u64 > 2 * MAX_DIGITS {
        return Err(NumberError::TooLong);
    }
    let unsigned = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
    let signed = if negative { -unsigned } else { unsigned };
    let value = BigDecimal::new(signed, fraction.len() as i64 - exponent).normalized();
    let after_point = value.fractional_digit_count();
    let before_point = (value.digits() as i64).saturating_sub(after_point);
    if before_point.max(after_point) > MAX_DIGITS as i64 {
        return Err(NumberError::TooLong);
    }
    Ok(round_to_core_precision(value))
}

/// An exponent, held far from where arithmetic on it could overflow.
fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !is_digits(digits) {
        return Err(NumberError::Syntax);
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    Ok(if negative { -magnitude } else { magnitude })
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// What core's binary numbers keep of `value`.
fn round_to_core_precision(value: BigDecimal) -> BigDecimal {
    if value.digits() <= CORE_DIGITS { value } else { Binary::nearest(&value, CORE_PRECISION).shortest() }
}

/// A binary number: `mantissa`, of `precision` bits, times 2 to the power of `exponent`.
struct Binary {
    negative: bool,
    mantissa: BigInt,
    exponent: i64,
    precision: u64,
}

impl Binary {
    /// The one nearest to `value`, which is not 0; ties to even.
    fn nearest(value: &BigDecimal, precision: u64) -> Self {
        let (digits, scale) = value.as_bigint_and_scale();
        let power = power(10, scale.unsigned_abs());
        let (numerator, denominator) =
            if scale < 0 { (digits.abs() * power, BigInt::one()) } else { (digits.abs(), power) };

        // Scaled by a power of two, the quotient has two or three bits more than the precision.
        let shift = (precision + 2) as i64 - numerator.bits() as i64 + denominator.bits() as i64;
        let numerator = numerator << shift.max(0);
        let denominator = denominator << (-shift).max(0);
        let quotient = &numerator / &denominator;
        let exact = &quotient * &denominator == numerator;

        // Beyond half of the last place goes up, below down; a tie that the division left inexact is above half.
        let surplus = quotient.bits() - precision;
        let kept: BigInt = &quotient >> surplus;
        let dropped = quotient - (&kept << surplus);
        let half = BigInt::one() << (surplus - 1);
        let up = dropped > half || (dropped == half && (!exact || kept.bit(0)));
        let mantissa = if up { kept + 1 } else { kept };
        Self { negative: digits.is_negative(), mantissa, exponent: surplus as i64 - shift, precision }
    }

    /// The decimal of the fewest digits that is no further away than half of the last bit. As in Go, that
    /// distance is the same in both directions even where the numbers below stand closer.
    fn shortest(&self) -> BigDecimal {
        let exact = times_power_of_two(self.mantissa.clone(), self.exponent);
        let half = times_power_of_two(BigInt::one(), self.exponent - 1);
        let is_near = |candidate: &BigDecimal| {
            let distance = (candidate - &exact).abs();
            distance < half || (distance == half && !self.mantissa.bit(0))
        };
        // With fewer digits than these, decimals lie further apart than the binary numbers.
        let fewest = (self.precision - 1) * 30_103 / 100_000;
        let magnitude = (fewest..=fewest + 4)
            .filter_map(NonZeroU64::new)
            .map(|digits| exact.with_precision_round(digits, RoundingMode::HalfEven))
            .find(is_near)
            .map_or_else(|| exact.clone(), |shortest| shortest.normalized());
        if self.negative { -magnitude } else { magnitude }
    }
}

fn times_power_of_two(mantissa: BigInt, exponent: i64) -> BigDecimal {
    match u64::try_from(exponent) {
        Ok(exponent) => BigDecimal::new(mantissa << exponent, 0),
        // A division by 2^n is a multiplication by 5^n and a move of the decimal point.
        Err(_) => BigDecimal::new(mantissa * power(5, exponent.unsigned_abs()), -exponent),
    }
}

fn power(base: u32, exponent: u64) -> BigInt {
    // `MAX_DIGITS` keeps exponents small.
    BigInt::from(base).pow(u32::try_from(exponent).unwrap_or(u32::MAX))
}
