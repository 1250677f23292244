"use strict";
// The study behind a server: every answer tells the next pair. A vote that got no answer is sent again.
const backend = (() => {
  class Refused extends Error {
    constructor(status, message) {
      super(message);
      this.status = status;
    }
  }

  const ask = async (method, name, body) => {
    const options = { method, cache: "no-store", signal: AbortSignal.timeout(15000) };
    if (method === "POST") {
      options.headers = { "Content-Type": "application/json" };
      options.body = JSON.stringify(body ?? {});
    }
    const answer = await fetch(`api/${name}`, options);
    if (answer.ok) return answer.json();
    const told = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, told.detail || `The server answered ${answer.status}.`);
  };

  return {
    state: () => ask("GET", "state"),
    join: () => ask("POST", "join"),
    vote: (trial, choice, milliseconds) => ask("POST", "vote", { trial, choice, milliseconds }),
    undo: (done) => ask("POST", "undo", { done }),
    leave: () => ask("POST", "leave"),
    picture: (token) => `pictures/${token}`,
    file: null,
  };
})();
