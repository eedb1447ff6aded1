//! Numbers in WeChat's layouts, drawn from the seed and never twice.

use crate::clock::compact_day;

/// A source of numbers; a restarted simulator begins where no earlier number can be met again.
#[derive(Default)]
pub(crate) struct Ids {
    state: u64,
    serial: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            serial: 0,
        }
    }

    /// Starts from another place, so that numbers of an earlier run are not drawn again.
    pub(crate) fn stir(&mut self, salt: u64) {
        self.state ^= salt.rotate_left(17);
    }

    /// SplitMix64: enough for numbers that only must differ.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// `wx` and 34 hexadecimal digits.
    pub(crate) fn prepay_id(&mut self, now_ms: i64) -> String {
        self.serial += 1;
        format!(
            "wx{}{:016x}{:010x}",
            compact_day(now_ms),
            self.next(),
            self.serial
        )
    }

    /// 28 digits, the day in the middle.
    pub(crate) fn transaction_id(&mut self, now_ms: i64) -> String {
        format!(
            "4200{:06}{}{:010}",
            self.next() % 1_000_000,
            compact_day(now_ms),
            self.digits()
        )
    }

    /// 29 digits, the day in the middle.
    pub(crate) fn refund_id(&mut self, now_ms: i64) -> String {
        format!(
            "5030{:07}{}{:010}",
            self.next() % 10_000_000,
            compact_day(now_ms),
            self.digits()
        )
    }

    /// The number of a movement on an account.
    pub(crate) fn flow_id(&mut self, now_ms: i64) -> String {
        format!("1000{}{:010}", compact_day(now_ms), self.digits())
    }

    /// A UUID's layout.
    pub(crate) fn notification_id(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-5{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// 32 hexadecimal digits.
    pub(crate) fn nonce(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A user's id under one app: `o` and 27 characters.
    pub(crate) fn openid(&mut self) -> String {
        openid_from(&[self.next(), self.next(), self.next()])
    }

    /// A new number of ten digits, for merchant numbers.
    pub(crate) fn merchant_number(&mut self) -> String {
        format!("19{:08}", self.next() % 100_000_000)
    }

    /// A new appid: `wx` and 16 hexadecimal digits.
    pub(crate) fn appid(&mut self) -> String {
        format!("wx{:016x}", self.next())
    }

    fn digits(&mut self) -> u64 {
        self.next() % 10_000_000_000
    }
}

/// Writes an openid out of 192 random or derived bits.
pub(crate) fn openid_from(bits: &[u64; 3]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut openid = String::with_capacity(28);
    openid.push('o');
    for position in 0..27_usize {
        let word = bits.get(position / 9).copied().unwrap_or_default();
        let letter = usize::try_from((word >> (6 * (position % 9))) & 63).unwrap_or_default();
        openid.push(char::from(ALPHABET.get(letter).copied().unwrap_or(b'A')));
    }
    openid
}
