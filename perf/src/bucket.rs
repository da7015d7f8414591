//! A token bucket over a monotonic number of nanoseconds.

/// Tokens per second and the most that gather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Tokens a second.
    pub per_second: f64,
    /// The most that gather while none is taken.
    pub burst: f64,
}

impl std::str::FromStr for Rate {
    type Err = String;

    /// `RATE` or `RATE:BURST`; without a burst it is a twentieth of the rate, at least 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| match part.parse::<f64>() {
            Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
            Ok(_) | Err(_) => Err(format!("{part:?} is not a rate above 0")),
        };
        match text.split_once(':') {
            Some((rate, burst)) => Ok(Rate { per_second: number(rate)?, burst: number(burst)?.max(1.0) }),
            None => {
                let per_second = number(text)?;
                Ok(Rate { per_second, burst: (per_second / 20.0).max(1.0) })
            }
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: Rate,
    tokens: f64,
    at: u64,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: u64) -> Self {
        TokenBucket { rate, tokens: rate.burst, at: now }
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, now: u64) -> bool {
        let elapsed = now.saturating_sub(self.at) as f64 / 1e9;
        self.at = self.at.max(now);
        self.tokens = (self.tokens + elapsed * self.rate.per_second).min(self.rate.burst);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(Rate { per_second: 200.0, burst: 10.0 }, 0);
        assert_eq!((0..100).filter(|_| bucket.take(0)).count(), 10);
        let taken = (0..10_000_u64).filter(|step| bucket.take(step * 100_000)).count();
        assert!((199..=201).contains(&taken), "{taken}");
    }

    #[test]
    fn rates_are_read() {
        assert_eq!("200:10".parse(), Ok(Rate { per_second: 200.0, burst: 10.0 }));
        assert_eq!("200".parse(), Ok(Rate { per_second: 200.0, burst: 10.0 }));
        assert!("0".parse::<Rate>().is_err());
        assert!("x:1".parse::<Rate>().is_err());
    }
}
