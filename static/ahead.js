// Fetches the code that a later element needs while the server is still busy. Data: {files}, names in Streamlit's static/js.

export default function ({ data }) {
  const own = document.querySelector('script[type="module"][src*="static/js/"]')?.src;
  if (own) for (const file of data.files) import(new URL(file, own).href).catch(() => {});
  return () => {};
}
