// Signing in and out, where a token is asked for.

import assert from "node:assert/strict";

export async function signsOut(world) {
  let signedIn = false;
  const prepare = async (page) => {
    await page.route("**/api/login", (route) => {
      signedIn = route.request().method() === "POST";
      return route.fulfill({ status: 204 });
    });
    await page.route(/api\/(about|events)/, async (route) => {
      if (!signedIn) return route.fulfill({ status: 401, json: { error: "sign in first" } });
      if (route.request().url().includes("events")) return route.continue();
      const about = await (await route.fetch()).json();
      return route.fulfill({ json: { ...about, workbench: false, needsToken: true } });
    });
  };
  const page = await world.open({}, { prepare });
  for (let press = 0; press < 3; press++) await page.keyboard.press("Escape"); // the question stays
  await page.getByLabel("Token").fill("the token");
  await page.keyboard.press("Enter");
  await page.locator(".row").first().waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  assert.equal(await page.locator(".row").count(), 0, "nothing of it is left");
  assert.deepEqual(page.wrong, []);
}
