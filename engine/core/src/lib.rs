//! The domain of the exchange, pure: messages, shards, queues, pacing, receipts, CDRs, and the backend traits
