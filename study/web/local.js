"use strict";
// The study as a folder: votes stay in this browser until they are saved as a file. STUDY comes from study.js.
const backend = (() => {
  const KEY = `study-${STUDY.id}`;
  const random = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))];
  const read = () => JSON.parse(localStorage.getItem(KEY) || "null");
  const write = (record) => localStorage.setItem(KEY, JSON.stringify(record));
  const kept = (record) => record.votes.filter((vote) => !vote.undone);

  const pair = (record, position) => {
    const shown = STUDY.orders[record.order][position];
    return shown ? { token: String(position), left: shown[0], right: shown[1], input: shown[2] } : null;
  };

  const state = () => {
    const record = read();
    const total = STUDY.orders[0].length;
    if (!record) return { joined: false, pairs: total };
    const done = kept(record).length;
    return { joined: true, pairs: total, total, done, trial: pair(record, done), next: pair(record, done + 1), saved: record.saved };
  };

  return {
    state: async () => state(),
    join: async () => {
      if (!read()) {
        const observer = random(16).map((byte) => byte.toString(16).padStart(2, "0")).join("");
        const [high, low] = random(2);
        write({ observer, order: (high * 256 + low) % STUDY.orders.length, votes: [], saved: false });
      }
      return state();
    },
    vote: async (trial, choice, milliseconds) => {
      const record = read();
      if (kept(record).length === Number(trial)) {
        record.votes.push({ position: Number(trial), choice, milliseconds, at: new Date().toISOString() });
        record.saved = false;
        write(record);
      }
      return state();
    },
    undo: async (done) => {
      const record = read();
      if (kept(record).length === done) {
        kept(record).at(-1).undone = new Date().toISOString();
        record.saved = false;
        write(record);
      }
      return state();
    },
    leave: async () => {
      localStorage.removeItem(KEY);
      return state();
    },
    picture: (token) => `pictures/${token}.jpg`,
    file: () => {
      const record = read();
      write({ ...record, saved: true });
      const votes = { format: "bench study votes", version: 1, study: STUDY.id, design: STUDY.design };
      const text = JSON.stringify({ ...votes, observer: record.observer, order: record.order, votes: record.votes }, null, 1);
      return { name: `votes-${record.observer.slice(0, 8)}.json`, text };
    },
  };
})();
