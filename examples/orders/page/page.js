const orders = new Map();
const pageSize = 50;

const byId = (id) => document.getElementById(id);
const list = byId("list");
const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** What the service said against a request; `field` where one input is to blame. */
class Refused extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

async function ask(path, method = "GET", content) {
  let response;
  try {
    response = await fetch(`/api/orders${path}`, {
      method,
      ...(content === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(content) }),
    });
  } catch {
    throw new Refused("The order service does not answer. Is it running?");
  }
  if (response.status === 204) return undefined;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Refused(answer.error ?? `The order service answered with status ${response.status}.`, answer.field);
  }
  return answer;
}

function showProblem(error) {
  const problem = byId("problem");
  problem.textContent = error === undefined ? "" : error.message;
  problem.hidden = error === undefined;
}

function tell(news) {
  byId("news").textContent = news;
}

/** Shows beside each input what is wrong with it; an error that concerns none is answered. */
function showFieldError(form, error) {
  for (const input of form.querySelectorAll("input")) {
    const isWrong = error?.field === input.name;
    byId(`${input.id}-error`).textContent = isWrong ? error.message : "";
    if (isWrong) {
      input.setAttribute("aria-invalid", "true");
      input.focus();
    } else input.removeAttribute("aria-invalid");
  }
  return form.elements.namedItem(error?.field ?? "") === null ? error : undefined;
}

function contentOf(form) {
  const { customer, item, quantity } = Object.fromEntries(new FormData(form));
  const missing = (field, what) => new Refused(what, field);
  if (customer.trim() === "") throw missing("customer", "Who orders?");
  if (item.trim() === "") throw missing("item", "What is ordered?");
  const number = Number(quantity);
  if (quantity.trim() === "" || !Number.isInteger(number)) throw missing("quantity", "A whole number, please");
  return { customer, item, quantity: number };
}

function show() {
  const sorted = [...orders.values()].sort((a, b) => b.id - a.id);
  byId("wait").hidden = true;
  byId("empty").hidden = sorted.length > 0;
  byId("count").textContent = sorted.length === 0 ? "" : `${sorted.length} ${sorted.length === 1 ? "order" : "orders"}`;
  list.replaceChildren(...sorted.map(rowOf));
}

function rowOf(order) {
  const row = byId("row").content.cloneNode(true).firstElementChild;
  const name = `${order.item} for ${order.customer}`;
  row.dataset.id = order.id;
  row.querySelector(".item").textContent = `${order.quantity} × ${order.item}`;
  row.querySelector(".detail").textContent =
    `${order.customer} · no. ${order.id} · ${dateFormat.format(new Date(order.created))}`;
  const status = row.querySelector(".status");
  status.value = order.status;
  status.setAttribute("aria-label", `Status of ${name}`);
  status.addEventListener("change", () => void setStatus(order, status));
  const change = row.querySelector(".change");
  change.setAttribute("aria-label", `Change ${name}`);
  change.addEventListener("click", () => openChange(order));
  const remove = row.querySelector(".delete");
  remove.setAttribute("aria-label", `Delete ${name}`);
  remove.addEventListener("click", () => openDelete(order));
  return row;
}

async function load(before) {
  try {
    const query = before === undefined ? "" : `&before=${before}`;
    const { orders: found } = await ask(`?limit=${pageSize}${query}`);
    if (before === undefined) orders.clear();
    for (const order of found) orders.set(order.id, order);
    byId("more").hidden = found.length < pageSize;
    showProblem();
    show();
  } catch (error) {
    byId("wait").hidden = true;
    showProblem(error);
    // The database may still be starting.
    setTimeout(() => void load(before), 1000);
  }
}

async function setStatus(order, select) {
  try {
    orders.set(order.id, await ask(`/${order.id}`, "PATCH", { status: select.value }));
    showProblem();
    tell(`Order ${order.id} is ${select.value}`);
  } catch (error) {
    select.value = order.status;
    showProblem(error);
  }
}

/** Keeps a form from being sent twice, and answers whether it was done. */
async function submit(form, work, showOther) {
  const button = form.querySelector("button.primary");
  button.disabled = true;
  try {
    showFieldError(form);
    await work();
    showOther();
    return true;
  } catch (error) {
    showOther(showFieldError(form, error));
    return false;
  } finally {
    button.disabled = false;
  }
}

const take = byId("take");
take.addEventListener("submit", async (event) => {
  event.preventDefault();
  const work = async () => {
    const order = await ask("", "POST", contentOf(take));
    orders.set(order.id, order);
    tell(`Order ${order.id} is taken`);
  };
  if (await submit(take, work, showProblem)) {
    take.reset();
    byId("take-customer").focus();
    show();
  }
});

const changing = byId("change");
const changeForm = byId("change-form");
let changed;

function openChange(order) {
  changed = order;
  showFieldError(changeForm);
  showChangeProblem();
  for (const name of ["customer", "item", "quantity"]) changeForm.elements.namedItem(name).value = order[name];
  changing.showModal();
}

function showChangeProblem(error) {
  byId("change-problem").textContent = error?.message ?? "";
}

changeForm.querySelector(".cancel").addEventListener("click", () => changing.close());
changeForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { id } = changed;
  const work = async () => void orders.set(id, await ask(`/${id}`, "PATCH", contentOf(changeForm)));
  if (!(await submit(changeForm, work, showChangeProblem))) return;
  changing.close();
  show();
  tell(`Order ${id} is changed`);
  list.querySelector(`[data-id="${id}"] .change`)?.focus();
});

const deleting = byId("delete");
let toDelete;

function openDelete(order) {
  toDelete = order;
  byId("delete-what").textContent = `${order.quantity} × ${order.item} for ${order.customer}`;
  deleting.returnValue = "keep";
  deleting.showModal();
}

deleting.addEventListener("close", async () => {
  if (deleting.returnValue !== "delete") return;
  const { id } = toDelete;
  try {
    await ask(`/${id}`, "DELETE");
    orders.delete(id);
    showProblem();
    show();
    tell(`Order ${id} is deleted`);
    byId("take-customer").focus();
  } catch (error) {
    showProblem(error);
  }
});

byId("more").addEventListener("click", () => void load(Math.min(...orders.keys())));
void load();

// Its names are its own.
export {};
