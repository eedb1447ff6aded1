//! Keeps statements with a varying number of rows to a few shapes, so that prepared ones are found again.

/// Splits rows into chunks whose sizes are powers of two, largest first.
pub(crate) fn power_of_two_chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    const LARGEST: usize = 64;
    let mut rest = rows;
    std::iter::from_fn(move || {
        let wanted = rest.len().min(LARGEST);
        let size = if wanted == 0 { 0 } else { 1 << wanted.ilog2() };
        let (chunk, behind) = rest.split_at_checked(size)?;
        rest = behind;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Repeats the last key until their number is a power of two; only for lists that are compared with `IN`.
pub(crate) fn padded<T: Clone>(mut keys: Vec<T>) -> Vec<T> {
    if let Some(last) = keys.last().cloned() {
        keys.resize(keys.len().next_power_of_two(), last);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_and_lose_nothing() {
        let rows: Vec<usize> = (0..200).collect();
        for length in 0..=200 {
            let chunks: Vec<&[usize]> = power_of_two_chunks(&rows[..length]).collect();
            assert!(
                chunks
                    .iter()
                    .all(|chunk| chunk.len().is_power_of_two() && chunk.len() <= 64)
            );
            assert_eq!(chunks.concat(), rows[..length]);
        }
    }

    #[test]
    fn padding_repeats_the_last_key() {
        assert_eq!(padded(vec![1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 5, 5, 5]);
        assert_eq!(padded(vec![1]), [1]);
        assert!(padded(Vec::<u8>::new()).is_empty());
    }
}
