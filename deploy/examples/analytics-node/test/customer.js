// The customer's side of a support conversation with the simulated contact center.

const lines = ["Good morning! My parcel came with a broken cup. ☕", "Yes, it is 4711 on both."];

/**
 * Asks for a chat, has a bot speak in it before any agent does, answers the agent, and returns the chat's id when it is
 * over. What the bot says may be too long for a message of NATS.
 */
export async function converse(nc, sim, botSays) {
  const heard = nc.subscribe("cc.chat.*.>"); // before there is anything to hear
  const { chatId } = await command(nc, "chat.request", { from: "Ada" });
  const push = (event) => fetch(`${sim}/sim/chats/${chatId}/events`, { method: "POST", body: JSON.stringify(event) });
  await push({ event: "chat_session_party_joined", party_id: "bot", display_name: "Bot", type: "scenario" });
  await push({ event: "chat_session_message", party_id: "bot", msg_id: "900", msg: botSays, msg_text: botSays });
  const waiting = [...lines];
  for await (const msg of heard) {
    const [, , chat, ...what] = msg.subject.split(".");
    if (chat !== chatId) continue;
    const data = dataOf(msg);
    switch (what.join(".")) {
      case "event.message":
        if (data.partyId === undefined || data.partyId === "bot" || waiting.length === 0) break;
        await command(nc, "chat.send", { chatId, text: waiting.shift() });
        break;
      case "event.form_show":
        await command(nc, "chat.form", { chatId, formRequestId: data.formRequestId, formName: data.formName, data: { phone: "555-0100" } });
        break;
      case "session.closed":
        heard.unsubscribe();
    }
  }
  return chatId;
}

/** Runs a live command. The correlation id has to be written differently in the two modes of CloudEvents. */
async function command(nc, name, data) {
  const event = { specversion: "1.0", id: crypto.randomUUID(), source: "test", type: name, correlationid: "100% Käse", data };
  const reply = await nc.request(`cc.${name}`, JSON.stringify(event), { timeout: 30_000 });
  const { status, result, error } = reply.json().data;
  if (status !== "ok") throw new Error(`${name}: ${error.code}: ${error.message}`);
  return result;
}

/** Data that lie elsewhere are none. */
function dataOf(msg) {
  const structured = msg.headers.get("Content-Type").startsWith("application/cloudevents");
  if (structured) return msg.json().data ?? {};
  return msg.data.length > 0 ? msg.json() : {};
}
