// What a page can only do with a script: sign with this browser's key. Everything else works
// without.
"use strict";

const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");

// The browser's keys: one per account, kept where scripts can use but never read them.
const keys = {
  open() {
    return new Promise((done, fail) => {
      const request = indexedDB.open("patchward", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("keys");
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    });
  },
  async of(account) {
    const database = await this.open();
    return new Promise((done, fail) => {
      const request = database.transaction("keys").objectStore("keys").get(account);
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    });
  },
  async make(account) {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    const database = await this.open();
    await new Promise((done, fail) => {
      const change = database.transaction("keys", "readwrite");
      change.objectStore("keys").put(pair, account);
      change.oncomplete = done;
      change.onerror = () => fail(change.error);
    });
    return pair;
  },
};

const publicHalf = async (pair) => hex(await crypto.subtle.exportKey("raw", pair.publicKey));

async function showKey(place) {
  const account = place.dataset.account;
  const form = document.getElementById("key-form");
  const note = place.querySelector("p");
  const among = (kind) => place.dataset[kind].split(" ");
  const pair = await keys.of(account);
  const own = pair && (await publicHalf(pair));
  if (own && among("known").includes(own)) {
    note.textContent = "This browser's key " + own.slice(0, 12) + "… is in the roster: you can sign here.";
    return;
  }
  if (own) {
    note.textContent = "This browser's key: " + own;
    if (among("waits").includes(own)) return;
  } else {
    note.textContent = "This browser has no key of yours yet.";
  }
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const own = (await keys.of(account)) ?? (await keys.make(account));
      document.getElementById("key-field").value = await publicHalf(own);
      form.submit();
    } catch (error) {
      note.textContent = "This browser cannot make a key (" + error.message + "). Use a newer one, or a file key.";
    }
  });
}

function takeSignatures(form) {
  const problem = document.getElementById("sign-problem");
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = false;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const pair = await keys.of(form.dataset.account);
      const own = pair && (await publicHalf(pair));
      if (!own || !form.dataset.keys.split(" ").includes(own)) {
        say("This browser does not have the key that the roster knows of you. Open the page in the browser where you made it.");
        return;
      }
      const answer = await fetch("/plan/" + encodeURIComponent(form.dataset.plan) + "/sign?key=" + own);
      form.elements.key.value = own;
      if (answer.status >= 500) {
        say("The collector did not hand out what is to be signed. Open the page again.");
        return;
      }
      // It is not signed: sent like this, the form is answered with the reason.
      if (!answer.ok) return form.submit();
      const signature = await crypto.subtle.sign({ name: "Ed25519" }, pair.privateKey, await answer.arrayBuffer());
      form.elements.signature.value = hex(signature);
      form.submit();
    } catch (error) {
      say("Nothing was signed: " + error.message);
    }
  });
}

// A screen on the ward shows the night as it is, unless somebody is about to say something.
// It says so itself where it is cut off: an old night must not pass for this one.
function keepFresh(ward) {
  const again = async () => {
    const isBusy = ward.querySelector("details[open]") || document.activeElement?.closest("form");
    if (isBusy) return;
    try {
      const answer = await fetch(location.pathname);
      if (!answer.ok) throw new Error(answer.status);
      location.replace(location.pathname);
    } catch {
      document.getElementById("stale").hidden = false;
    }
  };
  setInterval(again, Number(ward.dataset.again) * 1000);
}

// A page that people watch brings itself up to date when something of its kind changes: not
// while they read a part that they opened, or write, or have chosen words; and not more often
// than their eyes can follow. What takes long to gather is shown as it was kept some seconds ago,
// so it looks twice more once nothing changes. A hidden page listens to nothing.
const LIVE_PAUSES_MS = [3000, 3000, 12000];

function keepLive(main) {
  const kinds = new Set(main.dataset.live.split(" "));
  let stream = null;
  let timer = null;
  let looks = LIVE_PAUSES_MS.length;
  // What the browser wrote is nobody's; older ones do not say.
  const isFilledIn = (field) => {
    try {
      return field.matches(":autofill");
    } catch {
      return false;
    }
  };
  const isWritten = () =>
    [...main.querySelectorAll("input:not([type=hidden], [type=search]), textarea")].some((field) => field.value !== field.defaultValue && !isFilledIn(field));
  const isBusy = () =>
    (document.activeElement !== main && main.contains(document.activeElement)) ||
    main.querySelector("details[open], button:disabled") ||
    isWritten() ||
    !getSelection().isCollapsed;
  const refresh = async () => {
    timer = null;
    if (document.hidden) return;
    if (isBusy()) return later();
    looks += 1;
    try {
      const answer = await fetch(location.href, { headers: { "x-patchward-background": "1" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (!fresh) return;
      if (isBusy()) {
        looks = 0;
        return;
      }
      main.replaceChildren(...fresh.childNodes);
      begin();
    } catch {
      looks = 0;
    } finally {
      later();
    }
  };
  const later = () => {
    if (timer === null && looks < LIVE_PAUSES_MS.length) timer = setTimeout(refresh, LIVE_PAUSES_MS[looks]);
  };
  // Something changed: what was waited for since the change before is nothing beside it.
  const again = () => {
    if (looks > 0) {
      clearTimeout(timer);
      timer = null;
      looks = 0;
    }
    later();
  };
  const listen = () => {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else if (!stream) {
      stream = new EventSource("/events");
      stream.addEventListener("changed", (event) => {
        if (!JSON.parse(event.data).kinds.some((kind) => kinds.has(kind))) return;
        again();
      });
    }
  };
  document.addEventListener("visibilitychange", () => {
    // What changed while nobody looked.
    if (!document.hidden && !stream) {
      looks = 0;
      refresh();
    }
    listen();
  });
  listen();
}

// What a part of the page needs a script for.
function begin() {
  const key = document.getElementById("browser-key");
  if (key) showKey(key);
  const form = document.getElementById("sign-form");
  if (form) takeSignatures(form);
  document.dispatchEvent(new Event("shown"));
}

document.addEventListener("DOMContentLoaded", () => {
  const live = document.querySelector("[data-live]");
  if (live && window.EventSource) keepLive(live);
  const ward = document.querySelector("[data-again]");
  if (ward) keepFresh(ward);
  begin();
});
