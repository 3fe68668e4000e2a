# The app in a container, for any host and for a Docker Space: every package by version and hash, and no GPU.
#   docker build -t lab . && docker run --rm -p 7860:7860 lab

# The same image twice, by the digest of its index; the tag says what it is.
FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3 AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++
RUN python -m venv /opt/lab
# hnswlib is compiled, for any x86-64 or aarch64 processor, and with packages that were checked too: not isolated.
ENV PATH=/opt/lab/bin:$PATH HNSWLIB_NO_NATIVE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY locks/ locks/
RUN pip install --require-hashes -r locks/build.txt
RUN pip install --require-hashes --no-deps -r locks/torch-cpu.txt
RUN pip install --require-hashes --no-build-isolation -r locks/app.txt

FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3
COPY --from=build /opt/lab /opt/lab
RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user/app
COPY app.py README.md LICENSE ./
COPY retriever/ retriever/
COPY sandbox/ sandbox/
COPY ui/ ui/
COPY samples/ samples/
COPY docs/lessons.md docs/
ENV PATH=/opt/lab/bin:$PATH GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
CMD ["python", "app.py"]
