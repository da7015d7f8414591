//! Spam and loop counters: sliding and fixed windows, verdicts and alarms
