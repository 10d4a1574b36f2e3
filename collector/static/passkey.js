// Passkeys: adding one, and signing in with one. Browsers let only a script ask for them.
"use strict";

{
  // Bytes travel as base64url without padding (RFC 4648 §5).
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // What the collector says to a request; its refusals are thrown, with the field they are about.
  async function ask(path, what) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(what),
    });
    let said = null;
    try {
      said = await answer.json();
    } catch {
      // Not one of the answers that are read below.
    }
    if (!answer.ok || !said) {
      const problem = said?.problem ?? "The collector did not answer as it should (" + answer.status + "). Open the page again.";
      throw Object.assign(new Error(problem), { isSaid: true, field: said?.field ?? "" });
    }
    return said;
  }

  // What browsers call these things is not for people (Web Authentication Level 3, §5.1.3 and §5.1.4).
  function inWords(error) {
    if (error.isSaid) return error.message;
    if (error.name === "NotAllowedError") return "Nothing was done: it was cancelled, it took too long, or there is no passkey here for this page.";
    if (error.name === "InvalidStateError") return "This device has a passkey of yours already.";
    if (error.name === "NotSupportedError") return "This device cannot keep a passkey that makes sure who holds it.";
    return "Nothing was done: the browser says \"" + error.message + "\".";
  }

  // Where nothing can come of it, words stand in place of the button.
  function hindrance(place) {
    if (!window.PublicKeyCredential) return "This browser knows no passkeys.";
    if (location.origin !== place.dataset.origin) return "Passkeys work at " + place.dataset.origin + " alone; this page was opened as " + location.origin + ".";
    return "";
  }

  // Says what is wrong beside the field it is about, or above all of them.
  function say(place, error) {
    for (const problem of place.querySelectorAll("[data-problem]")) {
      problem.hidden = true;
      problem.closest(".field")?.classList.remove("wrong");
    }
    if (!error) return;
    const at = (field) => place.querySelector('[data-problem="' + field + '"]');
    const problem = at(error.field ?? "") ?? at("");
    problem.textContent = inWords(error);
    problem.hidden = false;
    const field = problem.closest(".field");
    field?.classList.add("wrong");
    field?.querySelector("input").focus();
  }

  async function add(form) {
    const token = form.elements.token.value;
    const name = form.elements.name.value;
    const password = form.elements.password?.value ?? "";
    const asked = await ask("/me/passkey/begin", { token, name, password });
    asked.challenge = bytes(asked.challenge);
    asked.user.id = bytes(asked.user.id);
    for (const known of asked.excludeCredentials ?? []) known.id = bytes(known.id);
    const made = await navigator.credentials.create({ publicKey: asked });
    const answer = {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
      clientExtensionResults: {},
      transports: [],
    };
    await ask("/me/passkey", { token, answer });
    location.assign(form.dataset.then);
  }

  async function enter(place) {
    const asked = await ask("/login/passkey/begin", {});
    asked.challenge = bytes(asked.challenge);
    asked.allowCredentials = [];
    const used = await navigator.credentials.get({ publicKey: asked });
    const answer = {
      authenticatorData: text(used.response.authenticatorData),
      clientDataJSON: text(used.response.clientDataJSON),
      clientExtensionResults: {},
      id: used.id,
      signature: text(used.response.signature),
      userHandle: text(used.response.userHandle ?? new ArrayBuffer(0)),
    };
    const said = await ask("/login/passkey", { to: document.querySelector("[name=to]").value, answer });
    location.assign(said.to);
  }

  // One at a time: a second press while a device waits for its person would end the first.
  function once(place, button, act) {
    return async () => {
      if (button.disabled) return;
      button.disabled = true;
      say(place, null);
      try {
        await act();
      } catch (error) {
        say(place, error);
      }
      button.disabled = false;
    };
  }

  // Each time that the page is shown, at first and anew.
  document.addEventListener("shown", () => {
    const form = document.getElementById("passkey-form");
    if (form) {
      const why = hindrance(form);
      const note = document.getElementById("passkey-note");
      note.textContent = why;
      note.hidden = !why;
      note.classList.toggle("unscripted", !why);
      form.hidden = Boolean(why);
      const press = once(form, form.querySelector("button"), () => add(form));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        press();
      });
    }
    const door = document.getElementById("passkey-enter");
    if (door && !hindrance(door)) {
      door.hidden = false;
      const button = door.querySelector("button");
      button.addEventListener("click", once(door, button, () => enter(door)));
    }
  });
}
