//! Base64 (RFC 4648, with padding).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn encode(data: &[u8]) -> String {
    let quartet = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let letter = |place: usize| ALPHABET[(bits >> (18 - 6 * place)) as usize & 63] as char;
        (0..4).map(|place| if place <= chunk.len() { letter(place) } else { '=' }).collect::<String>()
    };
    data.chunks(3).map(quartet).collect()
}

pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut data, mut bits) = (Vec::new(), 0u32);
    for (number, letter) in text.trim_end_matches('=').bytes().enumerate() {
        bits = bits << 6 | ALPHABET.iter().position(|known| *known == letter)? as u32;
        if number % 4 > 0 {
            data.push((bits >> (6 - 2 * (number % 4))) as u8);
        }
    }
    Some(data)
}
