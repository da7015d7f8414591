//! SMS text: alphabets, user data headers, segments, reassembly and phone numbers
