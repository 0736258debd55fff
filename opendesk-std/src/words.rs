//! The four words that both screens show of one handshake, for two people to compare.

/// One word a byte.
const WORDS: [&str; 256] = [
    "acorn", "actor", "album", "alley", "amber", "anchor", "angle", "apple", "apron", "arrow", "atlas", "autumn",
    "bacon", "badge", "bagel", "baker", "balcony", "bamboo", "banana", "banjo", "barley", "barrel", "basin", "basket",
    "beacon", "beaver", "berry", "bicycle", "biscuit", "blanket", "bonfire", "bottle", "bridge", "bronze", "brush",
    "bubble", "bucket", "buffalo", "butter", "button", "cabin", "cactus", "camel", "camera", "canal", "candle",
    "canoe", "canyon", "carbon", "carpet", "carrot", "castle", "cedar", "cello", "chalk", "cherry", "chess", "chimney",
    "cinema", "circus", "clover", "cobalt", "coconut", "coffee", "comet", "compass", "copper", "coral", "cotton",
    "cradle", "crater", "cricket", "crystal", "curtain", "cushion", "daisy", "dancer", "delta", "desert", "diamond",
    "dinner", "dolphin", "donkey", "dragon", "drawer", "drum", "eagle", "easel", "eclipse", "elbow", "ember", "engine",
    "envelope", "falcon", "farmer", "feather", "fiddle", "finger", "flute", "forest", "fossil", "fountain", "fox",
    "galaxy", "garden", "garlic", "gazelle", "ginger", "giraffe", "glacier", "glove", "goblet", "granite", "grape",
    "guitar", "hammer", "harbor", "harvest", "hazel", "helmet", "heron", "hill", "honey", "horizon", "hornet", "igloo",
    "insect", "iris", "island", "ivory", "jacket", "jasmine", "jelly", "jigsaw", "jungle", "kayak", "kettle", "kitten",
    "ladder", "lagoon", "lantern", "laurel", "lemon", "leopard", "lily", "lizard", "lobster", "locket", "lotus",
    "lumber", "magnet", "mango", "maple", "marble", "market", "meadow", "melon", "mirror", "mitten", "monkey",
    "mosaic", "mountain", "muffin", "museum", "needle", "nickel", "noodle", "nutmeg", "oasis", "ocean", "olive",
    "onion", "opera", "orange", "orbit", "orchid", "otter", "oyster", "paddle", "palace", "panda", "paper", "parrot",
    "pasta", "peach", "pebble", "pelican", "pencil", "pepper", "piano", "pigeon", "pillow", "pilot", "planet", "plaza",
    "plum", "pocket", "poem", "pony", "poplar", "potato", "prairie", "prism", "pumpkin", "puzzle", "quartz", "quilt",
    "rabbit", "radish", "raft", "rainbow", "raven", "ribbon", "river", "rocket", "rose", "saddle", "saffron", "sailor",
    "salmon", "sandal", "saturn", "scarf", "shadow", "silver", "spider", "spoon", "squirrel", "stable", "sugar",
    "sunset", "swan", "table", "tailor", "tango", "temple", "thistle", "ticket", "tiger", "timber", "tomato", "torch",
    "tractor", "treasure", "trumpet", "tulip", "tunnel", "turtle", "umbrella", "valley", "vanilla", "velvet", "violin",
    "volcano", "waffle", "wagon",
];

/// The words of a handshake: the first four bytes of its hash. They protect against nothing that the code does not
/// protect against; they let two people see that they look at the same pairing.
#[must_use]
pub fn words(handshake: &[u8; 32]) -> String {
    let chosen: Vec<&str> = handshake.iter().take(4).map(|byte| WORDS[usize::from(*byte)]).collect();
    chosen.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_word_of_its_own() {
        assert!(WORDS.windows(2).all(|pair| pair[0] < pair[1]), "sorted, so all differ");
        assert!(WORDS.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn words_follow_the_hash() {
        let mut hash = [0; 32];
        hash[3] = 255;
        assert_eq!(words(&hash), format!("{0} {0} {0} {1}", WORDS[0], WORDS[255]));
    }
}
