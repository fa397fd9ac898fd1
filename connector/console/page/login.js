// Signing in: the token goes in a body, and a cookie comes back that no script reads.

import { post } from "./api.js";
import { byId, say } from "./element.js";

export function login() {
  const dialog = byId("login");
  const token = byId("token");
  let signedIn = false;
  dialog.oncancel = (e) => e.preventDefault();
  dialog.onclose = () => signedIn || dialog.showModal(); // a browser may close it whatever is said of that
  dialog.showModal();
  token.focus();
  return new Promise((resolve) => {
    dialog.querySelector("form").onsubmit = async (e) => {
      e.preventDefault();
      const wrong = await post("login", { token: token.value }).then(() => null, (err) => err.message);
      say(byId("login-error"), wrong ?? "");
      if (wrong !== null) return token.select();
      token.value = "";
      signedIn = true;
      dialog.close();
      resolve();
    };
  });
}
