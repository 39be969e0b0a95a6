/** How long others are waited for, in ms. */
export interface Patience {
  /** For a client to log in. */
  readonly login: number;
  /** For a client to go on with its transaction while others wait for their turn; 0 is for ever. */
  readonly transaction: number;
  /** For a client to take what was said to it last. */
  readonly parting: number;
}

/** PostgreSQL's own for a login; its transactions hold nobody up, so it has none for them. */
export const usualPatience: Patience = { login: 60_000, transaction: 10_000, parting: 5_000 };
